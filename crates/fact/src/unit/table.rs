//! The units that are known, and how they are written.

/// What two units must share to be converted without an analyte.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dimension {
    /// Base: mmol/L.
    Substance,
    /// Base: meq/L.
    Charge,
    /// Base: mg/L.
    MassConcentration,
    /// Base: 1.
    Number,
    /// Base: /min.
    Rate,
    /// Base: mm[Hg].
    Pressure,
    /// Base: g.
    Mass,
    /// Base: mm.
    Length,
    /// Base: degrees Celsius; not proportional, see `temperature`.
    Temperature,
    /// Base: 10*6/L.
    Cells,
    /// Base: U/L.
    Activity,
    /// Base: s.
    Time,
    /// Base: mL.
    Volume,
    /// Base: mL/min.
    Flow,
    /// Base: `mL/min/{1.73_m2}`.
    Filtration,
}

/// A unit.
pub(super) struct Unit {
    pub(super) ucum: &'static str,
    pub(super) dimension: Dimension,
    /// How many of the base unit one of it is, as a fraction.
    pub(super) size: (i128, i128),
    /// How it is written, folded by [`fold`].
    pub(super) spellings: &'static [&'static str],
}

const fn unit(
    ucum: &'static str,
    dimension: Dimension,
    size: (i128, i128),
    spellings: &'static [&'static str],
) -> Unit {
    Unit {
        ucum,
        dimension,
        size,
        spellings,
    }
}

/// No two of these differ by letter case alone, so senders may write it as they like.
pub(super) const UNITS: &[Unit] = &[
    unit(
        "mmol/L",
        Dimension::Substance,
        (1, 1),
        &["mmol/l", "mm/l", "mmoles/l"],
    ),
    unit(
        "umol/L",
        Dimension::Substance,
        (1, 1_000),
        &["umol/l", "micromol/l"],
    ),
    unit("nmol/L", Dimension::Substance, (1, 1_000_000), &["nmol/l"]),
    unit("mol/L", Dimension::Substance, (1_000, 1), &["mol/l"]),
    unit("meq/L", Dimension::Charge, (1, 1), &["meq/l"]),
    unit(
        "mg/dL",
        Dimension::MassConcentration,
        (10, 1),
        &["mg/dl", "mg%", "mg/100ml"],
    ),
    unit(
        "mg/L",
        Dimension::MassConcentration,
        (1, 1),
        &["mg/l", "ug/ml"],
    ),
    unit(
        "g/dL",
        Dimension::MassConcentration,
        (10_000, 1),
        &["g/dl", "gm/dl", "gms/dl", "g/100ml"],
    ),
    unit(
        "g/L",
        Dimension::MassConcentration,
        (1_000, 1),
        &["g/l", "gm/l"],
    ),
    unit("ug/dL", Dimension::MassConcentration, (1, 100), &["ug/dl"]),
    unit(
        "ug/L",
        Dimension::MassConcentration,
        (1, 1_000),
        &["ug/l", "ng/ml"],
    ),
    unit(
        "ng/dL",
        Dimension::MassConcentration,
        (1, 100_000),
        &["ng/dl"],
    ),
    unit(
        "ng/L",
        Dimension::MassConcentration,
        (1, 1_000_000),
        &["ng/l", "pg/ml"],
    ),
    unit(
        "1",
        Dimension::Number,
        (1, 1),
        &["1", "{inr}", "inr", "{ratio}", "ratio", "{nominal}"],
    ),
    unit("%", Dimension::Number, (1, 100), &["%", "percent", "pct"]),
    unit(
        "/min",
        Dimension::Rate,
        (1, 1),
        &[
            "/min",
            "bpm",
            "beats/min",
            "beats/minute",
            "breaths/min",
            "breaths/minute",
            "br/min",
            "{beats}/min",
            "{breaths}/min",
            "1/min",
        ],
    ),
    unit("mm[Hg]", Dimension::Pressure, (1, 1), &["mm[hg]", "mmhg"]),
    unit("kPa", Dimension::Pressure, (760_000, 101_325), &["kpa"]),
    unit("kg", Dimension::Mass, (1_000, 1), &["kg", "kgs"]),
    unit("g", Dimension::Mass, (1, 1), &["g", "gm"]),
    unit(
        "[lb_av]",
        Dimension::Mass,
        (45_359_237, 100_000),
        &["[lb_av]", "lb", "lbs"],
    ),
    unit(
        "[oz_av]",
        Dimension::Mass,
        (28_349_523_125, 1_000_000_000),
        &["[oz_av]", "oz"],
    ),
    unit("cm", Dimension::Length, (10, 1), &["cm"]),
    unit("m", Dimension::Length, (1_000, 1), &["m"]),
    unit("mm", Dimension::Length, (1, 1), &["mm"]),
    unit(
        "[in_i]",
        Dimension::Length,
        (254, 10),
        &["[in_i]", "in", "inch", "inches"],
    ),
    unit(
        "Cel",
        Dimension::Temperature,
        (1, 1),
        &["cel", "degc", "c", "celsius", "deg_c"],
    ),
    unit(
        "[degF]",
        Dimension::Temperature,
        (5, 9),
        &["[degf]", "degf", "f", "fahrenheit", "deg_f"],
    ),
    unit("K", Dimension::Temperature, (1, 1), &["k", "kelvin"]),
    unit(
        "10*9/L",
        Dimension::Cells,
        (1_000, 1),
        &[
            "10*9/l",
            "10^9/l",
            "x10*9/l",
            "x10^9/l",
            "10*3/ul",
            "10^3/ul",
            "k/ul",
            "x10e3/ul",
            "10*3/mm3",
            "thousand/ul",
        ],
    ),
    unit(
        "10*12/L",
        Dimension::Cells,
        (1_000_000, 1),
        &[
            "10*12/l", "10^12/l", "10*6/ul", "10^6/ul", "m/ul", "x10e6/ul",
        ],
    ),
    unit("10*6/L", Dimension::Cells, (1, 1), &["10*6/l", "10^6/l"]),
    unit("U/L", Dimension::Activity, (1, 1), &["u/l"]),
    unit(
        "s",
        Dimension::Time,
        (1, 1),
        &["s", "sec", "secs", "second", "seconds"],
    ),
    unit("min", Dimension::Time, (60, 1), &["min"]),
    unit("h", Dimension::Time, (3_600, 1), &["h", "hr", "hours"]),
    unit("mL", Dimension::Volume, (1, 1), &["ml", "cc"]),
    unit("L", Dimension::Volume, (1_000, 1), &["l"]),
    unit("mL/min", Dimension::Flow, (1, 1), &["ml/min"]),
    unit(
        "mL/min/{1.73_m2}",
        Dimension::Filtration,
        (1, 1),
        &[
            "ml/min/{1.73_m2}",
            "ml/min/1.73m2",
            "ml/min/1.73m^2",
            "ml/min/{1.73m2}",
        ],
    ),
];

/// The unit of that spelling.
pub(super) fn find(text: &str) -> Option<&'static Unit> {
    let folded = fold(text);
    UNITS
        .iter()
        .find(|unit| unit.spellings.contains(&folded.as_str()))
}

/// One spelling of many: no blanks, no case, one sign for *micro*, no degree sign.
pub(super) fn fold(text: &str) -> String {
    let small: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            'µ' | 'μ' => 'u',
            other => other,
        })
        .collect::<String>()
        .to_lowercase();
    let small = match small.strip_prefix("mcg") {
        Some(rest) => format!("ug{rest}"),
        None => small,
    };
    match small.strip_prefix('°') {
        Some(rest) => format!("deg{rest}"),
        None => small,
    }
}
