//! Generated adversaries: seeded mutations of signed responses. There is never a panic, and never an identity other than
//! the one that was signed.
//!
//! `MUTATION_SEED` and `MUTATION_COUNT` in the environment choose others than the usual ones. A failure names the seed of
//! its one mutant, which can be made again with `MUTATION_ONLY`.

mod bytes;
mod nodes;
mod random;
mod wrapped;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use crate::support::seed::{Parts, SEEDS, Seed, judge};
use random::Random;

/// How many mutants an ordinary run makes.
const COUNT: u64 = 120_000;

/// Where an ordinary run starts.
const START: u64 = 0x5a31_2026;

/// What a mutation starts from.
struct Material {
    seed: &'static Seed,
    parts: Parts,
}

static MATERIAL: LazyLock<Vec<Material>> = LazyLock::new(|| {
    let material = |seed: &'static Seed| Material {
        parts: Parts::of(&seed.xml),
        seed,
    };
    SEEDS.iter().map(material).collect()
});

/// A mutant, and the seeds whose identity it may have.
struct Mutant {
    octets: Vec<u8>,
    from: Vec<&'static Seed>,
}

#[test]
fn no_mutant_is_someone_else() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    if let Some(only) = number("MUTATION_ONLY") {
        println!("{}", verdict(only));
        return;
    }
    let (start, count) = (
        number("MUTATION_SEED").unwrap_or(START),
        number("MUTATION_COUNT").unwrap_or(COUNT),
    );
    LazyLock::force(&MATERIAL);
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(8);
    let step = u64::try_from(threads).unwrap();
    let share = |thread: u64| {
        let mut codes: BTreeMap<&str, u64> = BTreeMap::new();
        for at in (thread..count).step_by(threads) {
            *codes.entry(verdict(start.wrapping_add(at))).or_default() += 1;
        }
        codes
    };
    let mut codes: BTreeMap<&str, u64> = BTreeMap::new();
    std::thread::scope(|scope| {
        let shares: Vec<_> = (0..step).map(|thread| scope.spawn(move || share(thread))).collect();
        for one in shares {
            for (code, count) in one.join().unwrap() {
                *codes.entry(code).or_default() += count;
            }
        }
    });
    println!("{count} mutants from {start}: {codes:#?}");
    // Enough of them pass the parser and get to every rule behind it.
    for code in [
        "accepted",
        "duplicate_id",
        "response_malformed",
        "signature_bad_digest",
        "signature_invalid",
        "signature_malformed",
        "signature_wrong_target",
        "unsigned",
    ] {
        let enough = count / 1_000;
        assert!(
            codes.get(code).is_some_and(|found| *found >= enough),
            "{code}: {codes:?}"
        );
    }
}

/// Makes the mutant of this seed; its code, or a panic that tells how to make it again.
fn verdict(seed: u64) -> &'static str {
    let mutant = mutant(&mut Random::new(seed));
    let verdict = catch_unwind(AssertUnwindSafe(|| judge(&mutant.octets)));
    let complain = |what: &str| -> ! {
        let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/mutant.xml");
        std::fs::write(file, &mutant.octets).unwrap();
        let from: Vec<&str> = mutant.from.iter().map(|seed| seed.name.as_str()).collect();
        panic!("{what}: MUTATION_ONLY={seed} of {from:?}, in {file}")
    };
    match verdict {
        Err(_) => complain("a panic"),
        Ok(Err(code)) => code,
        Ok(Ok(said)) if mutant.from.iter().any(|seed| seed.said == said) => "accepted",
        Ok(Ok(_)) => complain("another identity"),
    }
}

fn mutant(random: &mut Random) -> Mutant {
    let material = random.choose(&MATERIAL);
    match random.below(10) {
        // One in five is made like the attacks that are known.
        0 | 1 => {
            let mut text = wrapped::mutate(material, random);
            if random.one_in(4) {
                text = nodes::again(&text, random);
            }
            Mutant {
                octets: text.into_bytes(),
                from: vec![material.seed],
            }
        }
        2 | 3 => bytes::mutate(material, random),
        _ => {
            let mut text = nodes::mutate(&material.seed.xml, &material.parts, random);
            while random.one_in(3) {
                text = nodes::again(&text, random);
            }
            Mutant {
                octets: text.into_bytes(),
                from: vec![material.seed],
            }
        }
    }
}
