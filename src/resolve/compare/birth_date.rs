//! Compares birth dates, with typical typing errors: one wrong digit, or day and month swapped.

/// The relation of two birth dates (yyyymmdd, 0 if absent).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BirthMatch {
    /// The same.
    Equal,
    /// One typing error apart.
    Near,
    /// Same year, and one of them is 1 January, which is entered where only the year is known.
    Year,
    /// One side has none.
    Unknown,
    /// Different.
    Conflict,
}

/// Compares birth dates.
pub fn compare_births(a: u32, b: u32) -> BirthMatch {
    if a == 0 || b == 0 {
        BirthMatch::Unknown
    } else if a == b {
        BirthMatch::Equal
    } else if is_near(a, b) {
        BirthMatch::Near
    } else if a / 10_000 == b / 10_000 && (is_new_year(a) || is_new_year(b)) {
        BirthMatch::Year
    } else {
        BirthMatch::Conflict
    }
}

/// Whether both are given and cannot be one date.
pub fn births_conflict(a: u32, b: u32) -> bool {
    compare_births(a, b) == BirthMatch::Conflict
}

fn is_new_year(date: u32) -> bool {
    date % 10_000 == 101
}

fn is_near(a: u32, b: u32) -> bool {
    let swapped = a / 10_000 == b / 10_000 && a / 100 % 100 == b % 100 && a % 100 == b / 100 % 100;
    swapped || {
        let (mut a, mut b, mut differing) = (a, b, 0);
        while a != 0 || b != 0 {
            differing += u32::from(a % 10 != b % 10);
            (a, b) = (a / 10, b / 10);
        }
        differing == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_digit_or_a_swap_of_day_and_month_is_near() {
        assert_eq!(compare_births(19850315, 19850316), BirthMatch::Near);
        assert_eq!(compare_births(19850305, 19850503), BirthMatch::Near);
        assert_eq!(compare_births(19850315, 19850315), BirthMatch::Equal);
        assert_eq!(compare_births(19850315, 19860316), BirthMatch::Conflict);
        assert_eq!(compare_births(0, 19860316), BirthMatch::Unknown);
    }

    #[test]
    fn the_first_of_january_fits_every_date_of_its_year_and_no_other() {
        assert_eq!(compare_births(19770629, 19770101), BirthMatch::Year);
        assert_eq!(compare_births(19770101, 19771225), BirthMatch::Year);
        assert_eq!(compare_births(19770629, 19790101), BirthMatch::Conflict);
        assert!(!births_conflict(19770101, 19770629));
    }
}
