//! Detects South African identity numbers by their birth date and check digit.

/// Whether 13 digits are a South African identity number: a birth date first, a check digit last.
pub fn is_national_id(digits: &[u8; 13]) -> bool {
    if !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let two = |at: usize| u32::from(digits[at] - b'0') * 10 + u32::from(digits[at + 1] - b'0');
    let (month, day) = (two(2), two(4));
    // The century is not written, so 29 February counts if the year is a leap year in either century.
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if two(0) % 4 == 0 => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    if !(1..=days).contains(&day) {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0');
            if place % 2 == 0 {
                digit
            } else if digit > 4 {
                digit * 2 - 9
            } else {
                digit * 2
            }
        })
        .sum();
    sum.is_multiple_of(10)
}
