//! Decimals as they are compared: exact, in units of 10⁻¹², with the interval that FHIR's implicit precision gives a search value
//! (FHIR R4 §3.1.1.4.5).

const SCALE: u32 = 12;

/// The number as a multiple of 10⁻¹², and half of its last given digit. `None` when it is no decimal, or too large to compare exactly.
pub(super) fn decimal(text: &str) -> Option<(i128, i128)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = [whole, fraction].concat();
    if all.is_empty() || all.len() > 30 || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let places = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    let shift = i32::try_from(SCALE).ok()?.checked_sub(places)?;
    let unit = 10_i128.checked_pow(u32::try_from(shift).ok()?)?;
    let value = all.parse::<i128>().ok()?.checked_mul(unit)?;
    Some((if negative { -value } else { value }, unit / 2))
}
