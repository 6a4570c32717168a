//! The people of the ward: names, births, addresses, and the pairs that are easily confused.
//!
//! Telephone numbers are in the 555-01xx range that is reserved for fiction; the group of a social security
//! number is 00, which was never issued.

use jiff::{ToSpan, civil::Date};

use super::names::{CITIES, FAMILY, GIVEN_F, GIVEN_M, LANGUAGES, RACES, STREETS};
use crate::rng::Rng;

/// Demographics as a registration clerk typed them.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) family: String,
    pub(crate) given: String,
    pub(crate) middle: String,
    pub(crate) suffix: &'static str,
    /// HL7 table 0001.
    pub(crate) sex: &'static str,
    pub(crate) born: Date,
    pub(crate) address: Address,
    /// Area and local number; none when the source has deleted it.
    pub(crate) phone: Option<(String, String)>,
    pub(crate) ssn: Option<String>,
    pub(crate) race: (&'static str, &'static str),
    pub(crate) language: (&'static str, &'static str),
    /// HL7 table 0002.
    pub(crate) marital: &'static str,
    /// 1 or 2 for twins.
    pub(crate) birth_order: Option<u8>,
}

/// Where somebody lives.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) street: String,
    pub(crate) city: &'static str,
    pub(crate) state: &'static str,
    pub(crate) postal: String,
}

impl Person {
    /// Somebody between 25 and 94 years old on `today`.
    pub(crate) fn new(rng: &mut Rng, today: Date) -> Self {
        let female = rng.chance(51);
        let given = given_name(rng, female);
        let middle = if rng.chance(45) {
            rng.pick(&["A", "B", "C", "E", "J", "K", "L", "M", "R", "T"])
                .to_owned()
        } else {
            String::new()
        };
        let (address, area) = address(rng);
        let ssn = rng
            .chance(15)
            .then(|| format!("5{:02}-00-{:04}", rng.below(100), rng.between(1, 9999)));
        Self {
            family: rng.pick(&FAMILY).to_owned(),
            given,
            middle,
            suffix: "",
            sex: if female { "F" } else { "M" },
            born: birth_date(rng, today, 25, 94),
            address,
            phone: Some((area, local_number(rng))),
            ssn,
            race: RACES[rng.index(RACES.len())],
            language: LANGUAGES[rng.index(LANGUAGES.len())],
            marital: rng.pick(&["M", "S", "D", "W"]),
            birth_order: None,
        }
    }

    /// The other twin: same surname, birth date, address and telephone, another given name.
    pub(crate) fn twin(&mut self, rng: &mut Rng) -> Self {
        let mut other = self.clone();
        while other.given == self.given {
            other.given = given_name(rng, self.sex == "F");
        }
        self.birth_order = Some(1);
        other.birth_order = Some(2);
        other.ssn = None;
        other
    }

    /// A son of the same name in the same house; the father becomes Sr.
    pub(crate) fn junior(&mut self, rng: &mut Rng, today: Date) -> Self {
        self.sex = "M";
        self.given = given_name(rng, false);
        self.suffix = "Sr";
        self.born = birth_date(rng, today, 58, 88);
        let mut son = self.clone();
        son.suffix = "Jr";
        son.born = self
            .born
            .checked_add(rng.between(21, 30).years())
            .unwrap_or(self.born);
        son.born = son
            .born
            .checked_add(rng.between(0, 300).days())
            .unwrap_or(son.born);
        son.ssn = None;
        son
    }

    /// The same human as another registration would have it: equal name, birth date and telephone, moved house.
    pub(crate) fn registered_again(&self, rng: &mut Rng) -> Self {
        let mut other = self.clone();
        other.address = address(rng).0;
        other.ssn = None;
        other
    }

    /// The same human typed in a hurry: the family name slightly wrong, no middle name, no number.
    pub(crate) fn misspelled(&self) -> Self {
        let mut other = self.clone();
        other.family = misspell(&self.family);
        other.middle = String::new();
        other.ssn = None;
        other
    }

    /// The same human with a slip in the given name.
    pub(crate) fn given_misspelled(&self) -> Self {
        let mut other = self.clone();
        other.given = misspell(&self.given);
        other
    }

    /// Moves to another house in another street.
    pub(crate) fn moves(&mut self, rng: &mut Rng) {
        self.address = address(rng).0;
    }

    /// Takes another telephone number.
    pub(crate) fn changes_phone(&mut self, rng: &mut Rng) {
        let area = CITIES[rng.index(CITIES.len())].3;
        self.phone = Some((area.to_owned(), local_number(rng)));
    }

    /// Takes another family name.
    pub(crate) fn changes_name(&mut self, rng: &mut Rng) {
        self.family = rng.pick(&FAMILY).to_owned();
    }
}

fn given_name(rng: &mut Rng, female: bool) -> String {
    rng.pick(if female { &GIVEN_F } else { &GIVEN_M })
        .to_owned()
}

fn birth_date(rng: &mut Rng, today: Date, youngest: i64, oldest: i64) -> Date {
    let years = rng.between(youngest, oldest);
    let days = rng.between(1, 364);
    today.checked_sub(years.years().days(days)).unwrap_or(today)
}

fn address(rng: &mut Rng) -> (Address, String) {
    let (city, state, prefix, area) = CITIES[rng.index(CITIES.len())];
    let street = format!("{} {}", rng.between(12, 9870), rng.pick(&STREETS));
    let street = if rng.chance(25) {
        format!("{street} Apt {}", rng.between(1, 48))
    } else {
        street
    };
    (
        Address {
            street,
            city,
            state,
            postal: format!("{prefix}{:02}", rng.below(60)),
        },
        area.to_owned(),
    )
}

fn local_number(rng: &mut Rng) -> String {
    format!("55501{:02}", rng.below(100))
}

/// One slip of the keyboard: marks are left away, or else the last pair of letters changes places.
fn misspell(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| match c {
            'á' | 'ã' | 'ä' | 'ą' => 'a',
            'é' | 'ê' | 'ễ' => 'e',
            'Č' => 'C',
            'í' => 'i',
            'ñ' | 'ń' => 'n',
            'ó' | 'ö' | 'ø' => 'o',
            'ú' | 'ü' => 'u',
            other => other,
        })
        .collect();
    if plain != name {
        return plain;
    }
    let mut letters: Vec<char> = name.chars().collect();
    if letters.len() < 4 {
        letters.push('e');
        return letters.into_iter().collect();
    }
    // The last two different neighbours behind the initial change places: Murphy becomes Murpyh.
    if let Some(at) = (2..letters.len())
        .rev()
        .find(|&at| letters[at] != letters[at.saturating_sub(1)])
    {
        letters.swap(at, at.saturating_sub(1));
    }
    letters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> Date {
        Date::constant(2026, 11, 22)
    }

    #[test]
    fn every_family_name_is_misspelled_into_another() {
        for name in FAMILY {
            assert_ne!(misspell(name), name);
        }
    }

    #[test]
    fn people_are_adults_and_their_numbers_are_fictional() {
        let mut rng = Rng::new(3);
        for _ in 0..500 {
            let person = Person::new(&mut rng, today());
            let age = today().year() - person.born.year();
            assert!((25..=96).contains(&age), "{age}");
            assert!(person.phone.unwrap().1.starts_with("55501"));
            assert!(
                person
                    .ssn
                    .is_none_or(|ssn| ssn.starts_with('5') && &ssn[4..6] == "00")
            );
        }
    }

    #[test]
    fn twins_share_all_but_the_given_name_and_a_father_is_older_than_his_son() {
        let mut rng = Rng::new(11);
        let mut first = Person::new(&mut rng, today());
        let second = first.twin(&mut rng);
        assert_eq!(
            (&first.family, first.born, &first.address.street),
            (&second.family, second.born, &second.address.street)
        );
        assert_ne!(first.given, second.given);
        let mut father = Person::new(&mut rng, today());
        let son = father.junior(&mut rng, today());
        assert_eq!(
            (&father.given, father.suffix, son.suffix),
            (&son.given, "Sr", "Jr")
        );
        assert!(son.born > father.born);
    }
}
