//! One patient's body: what each analyte measures now, and where it is heading.
//!
//! Every analyte walks at random around a set point of the patient's own. Two stories move the set points:
//! a potassium that becomes dangerous and falls under treatment, and kidneys that fail slowly. Codes and ranges
//! come from `codes`; when something is measured is decided by the ward.

use super::analytes::{
    ANALYTES, CREATININE, DIASTOLIC, HEMATOCRIT, HEMOGLOBIN, INR, POTASSIUM, PROTHROMBIN_TIME,
    Panel, SYSTOLIC, UREA_NITROGEN, WEIGHT,
};
use crate::rng::Rng;

/// What happens to a patient beyond ordinary illness.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Story {
    /// Ordinary ups and downs.
    Ordinary,
    /// Chronic kidney disease; potassium will be found dangerous.
    Hyperkalemia,
    /// Creatinine and urea rise hour by hour.
    KidneyInjury,
}

/// The state behind the numbers.
#[derive(Debug, Clone)]
pub(crate) struct Physiology {
    story: Story,
    set_points: Vec<f64>,
    now: Vec<f64>,
    /// The potassium that the next draw finds, whatever the course.
    potassium_next: Option<f64>,
}

impl Physiology {
    pub(crate) fn new(rng: &mut Rng, story: Story) -> Self {
        let mut set_points = Vec::with_capacity(ANALYTES.len());
        for analyte in &ANALYTES {
            let (low, high) = analyte.normal;
            let middle = f64::midpoint(low, high);
            let spread = (high - low) * 0.25;
            // A ward's patients are ill: one analyte in eight sits well outside of normal.
            let illness = if rng.chance(12) {
                spread * 2.6 * if rng.chance(60) { 1.0 } else { -1.0 }
            } else {
                0.0
            };
            set_points.push(
                (middle + spread * rng.normal() * 0.7 + illness)
                    .clamp(analyte.possible.0, analyte.possible.1),
            );
        }
        match story {
            Story::Ordinary => {}
            Story::Hyperkalemia => {
                set_points[POTASSIUM] = 5.0;
                set_points[CREATININE] = 4.4;
                set_points[UREA_NITROGEN] = 58.0;
            }
            Story::KidneyInjury => {
                set_points[POTASSIUM] = 4.3;
                set_points[CREATININE] = 1.1;
                set_points[UREA_NITROGEN] = 18.0;
            }
        }
        Self {
            story,
            now: set_points.clone(),
            set_points,
            potassium_next: None,
        }
    }

    /// Measures a panel; `hours` is the time since the patient came.
    pub(crate) fn measure(&mut self, rng: &mut Rng, panel: &Panel, hours: f64) -> Vec<Measured> {
        panel
            .analytes
            .iter()
            .map(|&at| Measured {
                analyte: at,
                value: self.step(rng, at, hours),
            })
            .collect()
    }

    /// The dangerous potassium: what is measured once, before treatment brings it down again.
    pub(crate) fn potassium_surges(&mut self, rng: &mut Rng) {
        self.potassium_found(6.3 + 0.05 * rng.normal().clamp(-1.0, 1.0));
    }

    /// The next draw finds this potassium. Treatment then brings it to normal before the draw after.
    pub(crate) fn potassium_found(&mut self, value: f64) {
        self.potassium_next = Some(value);
    }

    fn step(&mut self, rng: &mut Rng, at: usize, hours: f64) -> f64 {
        let analyte = &ANALYTES[at];
        if at == POTASSIUM
            && let Some(found) = self.potassium_next.take()
        {
            self.now[at] = 4.5;
            return found;
        }
        let target = self.set_points[at] + self.drift(at, hours);
        let spread = (analyte.normal.1 - analyte.normal.0) * 0.25;
        // Weight barely moves in a day; everything else returns a quarter of the way to its set point.
        let noise = if at == WEIGHT { 0.01 } else { 0.22 };
        let next = self.now[at] + (target - self.now[at]) * 0.25 + rng.normal() * spread * noise;
        let next = match at {
            // A failing kidney clears nothing, so its markers follow their course and never fall between two draws.
            CREATININE | UREA_NITROGEN if self.story == Story::KidneyInjury => {
                target.max(self.now[at] + (analyte.normal.1 - analyte.normal.0) * 0.06)
            }
            // What belongs together stays together: pulse pressure, red cells by count and by volume, clotting
            // time and its ratio.
            DIASTOLIC => next.min(self.now[SYSTOLIC] - 22.0),
            HEMATOCRIT => self.now[HEMOGLOBIN] * 2.96 + 0.4 * rng.normal(),
            INR => self.now[PROTHROMBIN_TIME] / 12.0,
            _ => next,
        };
        self.now[at] = next.clamp(analyte.possible.0, analyte.possible.1);
        self.now[at]
    }

    fn drift(&self, at: usize, hours: f64) -> f64 {
        if self.story != Story::KidneyInjury {
            return 0.0;
        }
        // The injury levels off after two days.
        let hours = hours.clamp(0.0, 48.0);
        match at {
            CREATININE => 0.06 * hours,
            UREA_NITROGEN => 0.9 * hours,
            POTASSIUM => 0.015 * hours,
            _ => 0.0,
        }
    }
}

/// One value of a panel.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// Position in the table of analytes.
    pub(crate) analyte: usize,
    pub(crate) value: f64,
}

impl Measured {
    /// The number as the report prints it.
    pub(crate) fn text(&self) -> String {
        format!("{:.*}", ANALYTES[self.analyte].decimals, self.value)
    }

    /// The reference range as OBX-7 carries it. No body weight is normal for everybody.
    pub(crate) fn range(&self) -> String {
        if self.analyte == WEIGHT {
            return String::new();
        }
        let analyte = &ANALYTES[self.analyte];
        format!(
            "{:.*}-{:.*}",
            analyte.decimals, analyte.normal.0, analyte.decimals, analyte.normal.1
        )
    }

    /// HL7 table 0078, judged on the rounded number a reader sees.
    pub(crate) fn flag(&self) -> &'static str {
        let analyte = &ANALYTES[self.analyte];
        if self.analyte == WEIGHT {
            return "";
        }
        let shown = self.text().parse::<f64>().unwrap_or(self.value);
        if shown < analyte.critical.0 {
            "LL"
        } else if shown > analyte.critical.1 {
            "HH"
        } else if shown < analyte.normal.0 {
            "L"
        } else if shown > analyte.normal.1 {
            "H"
        } else {
            "N"
        }
    }

    /// The same analyte with another value, as a correction brings it.
    pub(crate) fn changed_by(&self, share: f64) -> Self {
        let analyte = &ANALYTES[self.analyte];
        let width = (analyte.normal.1 - analyte.normal.0) * share;
        Self {
            analyte: self.analyte,
            value: (self.value + width).clamp(analyte.possible.0, analyte.possible.1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::analytes::{BLOOD_COUNT, CHEMISTRY, COAGULATION, VITALS};
    use super::*;

    fn course(story: Story, panel: &Panel, analyte: usize) -> Vec<f64> {
        let mut rng = Rng::new(21);
        let mut body = Physiology::new(&mut rng, story);
        (0..12_u32)
            .map(|step| {
                let values = body.measure(&mut rng, panel, f64::from(step) * 4.0);
                values.iter().find(|m| m.analyte == analyte).unwrap().value
            })
            .collect()
    }

    #[test]
    fn failing_kidneys_raise_creatinine_at_every_draw() {
        let values = course(Story::KidneyInjury, &CHEMISTRY, CREATININE);
        assert!(
            values.windows(2).all(|pair| pair[1] > pair[0]),
            "{values:?}"
        );
        assert!(values[11] > 3.0 && values[11] < 5.0, "{values:?}");
    }

    #[test]
    fn a_surge_of_potassium_is_measured_once_and_falls_afterwards() {
        let mut rng = Rng::new(4);
        let mut body = Physiology::new(&mut rng, Story::Hyperkalemia);
        body.potassium_surges(&mut rng);
        let mut potassium = || {
            body.measure(&mut rng, &CHEMISTRY, 3.0)
                .into_iter()
                .find(|m| m.analyte == POTASSIUM)
                .unwrap()
        };
        let found = potassium();
        assert_eq!(found.flag(), "HH");
        assert!((6.2..6.4).contains(&found.value));
        assert!(potassium().value < 5.1);
    }

    #[test]
    fn numbers_that_belong_together_agree() {
        let mut rng = Rng::new(8);
        for _ in 0..200 {
            let mut body = Physiology::new(&mut rng, Story::Ordinary);
            for panel in [&VITALS, &BLOOD_COUNT, &COAGULATION] {
                let values = body.measure(&mut rng, panel, 1.0);
                let value = |at: usize| values.iter().find(|m| m.analyte == at).map(|m| m.value);
                if let (Some(systolic), Some(diastolic)) = (value(SYSTOLIC), value(DIASTOLIC)) {
                    assert!(systolic > diastolic + 20.0, "{systolic} {diastolic}");
                }
                if let (Some(hemoglobin), Some(hematocrit)) = (value(HEMOGLOBIN), value(HEMATOCRIT))
                {
                    assert!(
                        (2.6..3.4).contains(&(hematocrit / hemoglobin)),
                        "{hemoglobin} {hematocrit}"
                    );
                }
            }
        }
    }
}
