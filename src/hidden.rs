//! `Debug` for what speaks of a person.

/// Gives types a `Debug` that shows their name and nothing that they hold, so that no log line and no panic can tell who
/// signed in (attack A165).
macro_rules! hide {
    ($($name:ident),+) => {$(
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )+};
}

pub(crate) use hide;
