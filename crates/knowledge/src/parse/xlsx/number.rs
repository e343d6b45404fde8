//! Numbers as a reader of the sheet sees them: dates, times and shares are numbers in the file.

/// How a number is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Plain,
    Percent,
    Date,
    DateTime,
    Time,
}

impl Shape {
    /// The formats that every program knows by number (ECMA-376, part 1, 18.8.30).
    pub(super) const fn of_id(id: u32) -> Self {
        match id {
            9 | 10 => Self::Percent,
            14..=17 | 27..=31 | 36 | 50..=54 | 57 | 58 => Self::Date,
            18..=21 | 32..=35 | 45..=47 | 55 | 56 => Self::Time,
            22 => Self::DateTime,
            _ => Self::Plain,
        }
    }

    /// A format that the workbook spells out. Quoted text, colours and escaped letters say nothing about it.
    pub(super) fn of_code(code: &str) -> Self {
        let mut bare = String::new();
        let mut characters = code.split(';').next().unwrap_or_default().chars();
        while let Some(character) = characters.next() {
            match character {
                '"' => characters.by_ref().take_while(|character| *character != '"').for_each(drop),
                '[' => {
                    let inside: String = characters.by_ref().take_while(|character| *character != ']').collect();
                    // Hours beyond a day.
                    if matches!(inside.as_str(), "h" | "hh" | "m" | "mm" | "s" | "ss") {
                        bare.push_str(&inside);
                    }
                }
                '\\' | '_' | '*' => drop(characters.next()),
                other => bare.extend(other.to_lowercase()),
            }
        }
        let (date, time) = (bare.contains(['y', 'd']), bare.contains(['h', 's']));
        match () {
            () if bare.contains('%') => Self::Percent,
            () if bare.contains("general") => Self::Plain,
            () if date && time => Self::DateTime,
            () if date || (bare.contains('m') && !time) => Self::Date,
            () if time => Self::Time,
            () => Self::Plain,
        }
    }
}

/// A number as it is shown. What is no number stays as it is.
pub(super) fn show(raw: &str, shape: Shape, since_1904: bool) -> String {
    let Ok(number) = raw.trim().parse::<f64>() else { return raw.to_owned() };
    match shape {
        Shape::Plain => plain(number),
        Shape::Percent => format!("{}%", plain(number * 100.0)),
        // The 2,958,465th day is the last of the year 9999.
        Shape::Date | Shape::DateTime | Shape::Time if !(0.0..2_958_466.0).contains(&number) => plain(number),
        Shape::Date => date(number, since_1904),
        Shape::Time => time(number),
        Shape::DateTime => format!("{} {}", date(number, since_1904), time(number)),
    }
}

/// Fifteen digits, as spreadsheets show them: the rest is noise of the binary form.
fn plain(number: f64) -> String {
    let rounded = format!("{number:.14e}").parse::<f64>().unwrap_or(number);
    if rounded.abs() >= 1e15 { format!("{rounded:e}") } else { rounded.to_string() }
}

#[expect(clippy::cast_possible_truncation, reason = "the number of days is bounded above")]
fn date(number: f64, since_1904: bool) -> String {
    let days = number.trunc() as i64;
    // The first of these programs took 1900 for a leap year, and all others count along with it.
    let since_1970 = match since_1904 {
        true => days - 24_107,
        false if days < 60 => days - 25_568,
        false => days - 25_569,
    };
    let (year, month, day) = civil(since_1970);
    format!("{year:04}-{month:02}-{day:02}")
}

#[expect(clippy::cast_possible_truncation, reason = "a part of a day has at most 86,400 seconds")]
fn time(number: f64) -> String {
    let seconds = (number.fract() * 86_400.0).round() as i64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match seconds {
        0 => format!("{hours:02}:{minutes:02}"),
        _ => format!("{hours:02}:{minutes:02}:{seconds:02}"),
    }
}

/// The date of a day counted from 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
const fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, code: &str, expected: &str) {
        assert_eq!(show(raw, Shape::of_code(code), false), expected, "{raw} as {code}");
    }

    #[test]
    fn numbers_are_shown_as_in_the_sheet() {
        check("0.1", "General", "0.1");
        check("0.30000000000000004", "0.00", "0.3");
        check("1234567", "#,##0", "1234567");
        check("0.125", "0.0%", "12.5%");
        check("45000", "dd/mm/yyyy", "2023-03-15");
        check("60.5", "yyyy-mm-dd hh:mm", "1900-02-28 12:00");
        check("59", "yyyy-mm-dd", "1900-02-28");
        check("1", "d. mmmm yyyy", "1900-01-01");
        check("0.75", "[h]:mm", "18:00");
        check("5", "0 \"days\"", "5");
        check("7", "[Red]0.0", "7");
        check("-1", "yyyy", "-1");
        check("1e300", "yyyy", "1e300");
        check("abc", "yyyy", "abc");
        assert_eq!(show("0", Shape::Date, true), "1904-01-01");
        assert_eq!(show("44927", Shape::of_id(14), false), "2023-01-01");
    }
}
