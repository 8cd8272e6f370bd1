//! The names of the invented people, clubs and places.

use std::sync::LazyLock;

use super::random::{Draws, Weights};

const MEN: &str = "Johan Pieter Willem Andries Hendrik Jacobus Francois Christiaan Gerhard Deon Riaan Marius Etienne Louis Werner \
Thabo Sipho Bongani Kagiso Themba Mandla Lwazi Siyabonga Tshepo Vusi Sizwe Mpho \
John David James Michael Peter Paul Mark Andrew Robert William Richard Thomas George Daniel Matthew Simon Stephen Ian Alan Graham \
Keith Neil Stuart Craig Gary Kevin Brian Colin Martin Philip Nigel Derek Shaun Ryan Jason Gareth Rhys Callum Ewan Angus Duncan \
Hamish Oliver Harry Charlie Ethan Liam Noah Lucas Joseph Anthony Nicholas Patrick Timothy Benjamin Samuel Edward Geoffrey \
Rajesh Sanjay Vikram Arjun Naveen Imran Yusuf Ahmed Faizel Kumar Dinesh René José André Zoltán Søren Jürgen";

const WOMEN: &str = "Annelie Marietjie Elsabe Hester Ronel Ilse Chantal Riana Elmarie Antoinette Susanna Magdalena Johanna Petronella \
Naledi Lerato Thandi Nomsa Zanele Lindiwe Precious Nokuthula Palesa Dineo Refilwe Ayanda \
Anna Maria Elizabeth Susan Karen Sarah Emma Lucy Rachel Rebecca Laura Helen Jane Julie Claire Nicola Alison Fiona Heather Linda \
Margaret Patricia Christine Catherine Amanda Michelle Lisa Tracy Sharon Deborah Jennifer Jessica Charlotte Sophie Olivia Amelia \
Grace Chloe Megan Victoria Katherine Alexandra Samantha Theresa Barbara Judith Pamela Gillian Bronwen Eilidh \
Amina Fatima Aisha Priya Anjali Deepa Shireen Nazreen Zoë Siân Chloë Inés Françoise";

const FAMILIES: &str = "Botha Venter Pretorius Nel Coetzee Fourie Steyn Smit Kruger Joubert Swanepoel Naudé Labuschagne Erasmus Vermeulen \
van_der_Merwe van_Wyk du_Plessis de_Villiers le_Roux van_Niekerk Janse_van_Rensburg du_Toit van_den_Berg \
Dlamini Nkosi Ndlovu Khumalo Mokoena Molefe Mahlangu Zulu Sithole Mthembu Radebe Zwane Mabaso \
Naidoo Govender Pillay Reddy Moodley Chetty Singh Khan Patel Maharaj Ebrahim \
Smith Jones Williams Taylor Brown Davies Evans Wilson Thomas Roberts Johnson Lewis Walker Robinson Wood Thompson White Watson \
Jackson Wright Green Harris Cooper King Lee Clarke Morgan Hughes Edwards Hill Moore Clark Harrison Scott Young Morris Hall Ward \
Turner Carter Phillips Mitchell Adams Campbell Anderson Allen Cook Murray MacDonald Stewart Reid Ross Fraser Ferreira da_Silva \
O'Brien O'Connor O'Neill McKenzie St_John Núñez Müller Lefèvre Smith-Jones Taylor-Brown";

/// Equivalent forms of given names, one class per line.
const FORMS: &[&[&str]] = &[
    &["John", "Jack", "Johnny"],
    &["James", "Jim", "Jamie"],
    &["William", "Bill", "Will", "Billy"],
    &["Robert", "Bob", "Rob", "Bobby"],
    &["Richard", "Rick", "Dick", "Rich"],
    &["Michael", "Mike", "Mick"],
    &["David", "Dave"],
    &["Andrew", "Andy", "Drew"],
    &["Thomas", "Tom", "Tommy"],
    &["Stephen", "Steve"],
    &["Matthew", "Matt"],
    &["Daniel", "Dan", "Danny"],
    &["Philip", "Phil"],
    &["Peter", "Pete"],
    &["Anthony", "Tony"],
    &["Nicholas", "Nick"],
    &["Timothy", "Tim"],
    &["Benjamin", "Ben"],
    &["Samuel", "Sam"],
    &["Edward", "Ted", "Eddie", "Ed"],
    &["Joseph", "Joe"],
    &["Geoffrey", "Geoff"],
    &["Pieter", "Piet"],
    &["Hendrik", "Hennie", "Henk"],
    &["Jacobus", "Kobus", "Koos"],
    &["Johan", "Johannes"],
    &["Andries", "Dries"],
    &["Christiaan", "Christo", "Chris"],
    &["Francois", "Frans"],
    &["Gerhard", "Gert"],
    &["Elizabeth", "Liz", "Beth", "Lizzie", "Betty"],
    &["Susan", "Sue", "Susie"],
    &["Rebecca", "Becky"],
    &["Margaret", "Maggie", "Peggy"],
    &["Patricia", "Pat", "Trish"],
    &["Christine", "Chris", "Tina"],
    &["Catherine", "Cath", "Kate", "Cathy"],
    &["Katherine", "Kate", "Kathy"],
    &["Amanda", "Mandy"],
    &["Deborah", "Debbie", "Deb"],
    &["Jennifer", "Jen", "Jenny"],
    &["Jessica", "Jess"],
    &["Nicola", "Nicky"],
    &["Alison", "Ali"],
    &["Victoria", "Vicky", "Tori"],
    &["Alexandra", "Alex", "Sandra"],
    &["Samantha", "Sam"],
    &["Magdalena", "Magda", "Lena"],
    &["Petronella", "Nella"],
    &["Rajesh", "Raj"],
    &["Siyabonga", "Siya"],
    &["Nokuthula", "Thula"],
];

/// Given and family names with their frequencies.
pub(super) struct NameStock {
    men: Vec<&'static str>,
    women: Vec<&'static str>,
    families: Vec<String>,
    of_men: Weights,
    of_women: Weights,
    of_families: Weights,
}

/// The names in use.
pub(super) static NAMES: LazyLock<NameStock> = LazyLock::new(NameStock::new);

impl NameStock {
    fn new() -> Self {
        let mut draws = Draws::of(0, "names", 0);
        let (mut men, mut women) = (MEN.split_whitespace().collect::<Vec<_>>(), WOMEN.split_whitespace().collect::<Vec<_>>());
        draws.shuffle(&mut men);
        draws.shuffle(&mut women);
        let mut families = FAMILIES.split_whitespace().map(|name| name.replace('_', " ")).collect::<Vec<_>>();
        draws.shuffle(&mut families);
        // Rare names are composed of syllables; a list of real ones is not needed for them.
        let starts = "Ab Al Ban Bel Bor Bran Cal Cor Dal Der Dun El Fal Far Gar Hal Har Kel Kin Lan Mal Mar Nor Pen Ral Sel Stan Tal Thor Wen Wil";
        let middles = "a e i o u er an in or al en";
        let ends = "by combe den field ford ham hurst ingstad kamp ley low man mere ner ridge sen shaw son stock ton vold wick worth wyn";
        let parts = |text: &'static str| text.split_whitespace().collect::<Vec<_>>();
        let (starts, middles, ends) = (parts(starts), parts(middles), parts(ends));
        for start in &starts {
            for middle in &middles {
                for end in &ends {
                    families.push(format!("{start}{middle}{end}"));
                }
            }
        }
        let listed = FAMILIES.split_whitespace().count();
        draws.shuffle(&mut families[listed..]);
        let (of_men, of_women) = (Weights::falling(men.len(), 12), Weights::falling(women.len(), 12));
        let of_families = Weights::falling(families.len(), 25);
        Self { men, women, families, of_men, of_women, of_families }
    }

    pub(super) fn given(&self, draws: &mut Draws, is_man: bool) -> &'static str {
        let (names, weights) = if is_man { (&self.men, &self.of_men) } else { (&self.women, &self.of_women) };
        names[weights.draw(draws).unwrap_or(0)]
    }

    pub(super) fn family(&self, draws: &mut Draws) -> &str {
        &self.families[self.of_families.draw(draws).unwrap_or(0)]
    }
}

/// Another form of a given name, if it has one.
pub(super) fn other_form(given: &str, draws: &mut Draws) -> Option<&'static str> {
    let forms = FORMS.iter().find(|forms| forms[0] == given)?;
    Some(draws.pick(&forms[1..]))
}

/// The ASCII letters of a name in lower case, as people write it in an email.
pub(super) fn plain(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    let letters = name.nfd().filter_map(|letter| match letter {
        'ø' | 'Ø' => Some('o'),
        letter if letter.is_ascii_alphabetic() => Some(letter.to_ascii_lowercase()),
        _ => None,
    });
    letters.collect()
}

/// The name of a club.
pub(super) fn club(draws: &mut Draws, is_south_african: bool) -> String {
    let (first, second, third): (&[&str], &[&str], &[&str]) = if is_south_african {
        (
            &[
                "Kwezi",
                "Blou",
                "Groot",
                "Wolf",
                "Protea",
                "Fynbos",
                "Umhlanga",
                "Karoo",
                "Zebra",
                "Marula",
                "Baobab",
                "Kiepersol",
                "Silwer",
            ],
            &["berg", "vlei", "kloof", "rand", "fontein", " Valley", " Hills", " Bay", " Ridge", " Park", "spruit"],
            &["Golf Club", "Country Club", "Golf Estate", "Links", "Gholfklub"],
        )
    } else {
        (
            &[
                "Ald", "Bram", "Cold", "East", "Fern", "Glen", "High", "King's", "Long", "Moor", "North", "Old ", "Royal ",
                "St. ", "Upper ",
            ],
            &["bridge", "bury", "castle", "combe", "dale", "field", "ford", "haven", "moor", "wick", "wood"],
            &["Golf Club", "Golf & Country Club", "Links", "Park Golf Club", "Artisans"],
        )
    };
    format!("{}{} {}", draws.pick(first), draws.pick(second), draws.pick(third))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_long_tail_and_addresses_only_plain_letters() {
        assert!(NAMES.families.len() > 5_000);
        assert_eq!(plain("Janse van Rensburg"), "jansevanrensburg");
        assert_eq!(plain("O'Brien"), "obrien");
        assert_eq!(plain("Zoë Søren"), "zoesoren");
        assert_eq!(other_form("Rajesh", &mut Draws::of(1, "form", 0)), Some("Raj"));
    }
}
