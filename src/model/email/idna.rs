//! The ASCII form of a domain (RFC 3492, RFC 5890), so that each domain has one spelling.

use unicode_normalization::UnicodeNormalization;

/// Appends a domain in lower case, every label in ASCII. A label too long to encode stays as it is.
pub(super) fn push_domain(domain: &str, out: &mut String) {
    if domain.is_ascii() {
        out.push_str(domain);
        return;
    }
    for (index, label) in domain.split(['.', '\u{3002}']).enumerate() {
        if index > 0 {
            out.push('.');
        }
        if label.is_ascii() {
            out.push_str(label);
            continue;
        }
        let composed: Vec<char> = label.nfkc().flat_map(char::to_lowercase).nfc().collect();
        let start = out.len();
        if composed.iter().all(char::is_ascii) {
            out.extend(composed);
            continue;
        }
        out.push_str("xn--");
        if punycode(&composed, out).is_none() {
            out.truncate(start);
            out.extend(composed);
        }
    }
}

/// Appends the digits of a label; the names of the constants are those of RFC 3492.
fn punycode(label: &[char], out: &mut String) -> Option<()> {
    const BASE: u32 = 36;
    const T_MIN: u32 = 1;
    const T_MAX: u32 = 26;
    let (mut n, mut delta, mut bias) = (128_u32, 0_u32, 72_u32);
    let plain = u32::try_from(label.iter().filter(|c| c.is_ascii()).count()).ok()?;
    out.extend(label.iter().filter(|c| c.is_ascii()));
    if plain > 0 {
        out.push('-');
    }
    let mut handled = plain;
    while (handled as usize) < label.len() {
        let next = label.iter().map(|c| u32::from(*c)).filter(|code| *code >= n).min()?;
        delta = delta.checked_add((next - n).checked_mul(handled + 1)?)?;
        n = next;
        for code in label.iter().map(|c| u32::from(*c)) {
            if code < n {
                delta = delta.checked_add(1)?;
            }
            if code != n {
                continue;
            }
            let mut rest = delta;
            for place in 1.. {
                let threshold = (BASE * place).saturating_sub(bias).clamp(T_MIN, T_MAX);
                if rest < threshold {
                    break;
                }
                out.push(digit(threshold + (rest - threshold) % (BASE - threshold))?);
                rest = (rest - threshold) / (BASE - threshold);
            }
            out.push(digit(rest)?);
            bias = adapt(delta, handled + 1, handled == plain);
            delta = 0;
            handled += 1;
        }
        delta = delta.checked_add(1)?;
        n = n.checked_add(1)?;
    }
    Some(())
}

fn adapt(delta: u32, points: u32, is_first: bool) -> u32 {
    let mut delta = if is_first { delta / 700 } else { delta / 2 };
    delta += delta / points;
    let mut bias = 0;
    while delta > 455 {
        delta /= 35;
        bias += 36;
    }
    bias + 36 * delta / (delta + 38)
}

fn digit(value: u32) -> Option<char> {
    let value = u8::try_from(value).ok().filter(|value| *value < 36)?;
    Some(char::from(if value < 26 { b'a' + value } else { b'0' + value - 26 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_have_the_digits_that_registries_use() {
        for (domain, ascii) in [
            ("müller.test", "xn--mller-kva.test"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("münchen.test", "xn--mnchen-3ya.test"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
            ("straße.test", "xn--strae-oqa.test"),
            ("mail.test", "mail.test"),
            ("\u{2177}.test", "viii.test"),
        ] {
            let mut out = String::new();
            push_domain(domain, &mut out);
            assert_eq!(out, ascii, "{domain}");
        }
    }
}
