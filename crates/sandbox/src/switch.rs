//! The machinery of switches: typed values that are read and set by name, as text.
//!
//! The list itself, with every default and what it stands for, is in `switches.rs`.

/// A value a switch may hold.
pub(crate) trait SwitchValue: Sized {
    fn parse(text: &str) -> Option<Self>;
    fn show(&self) -> String;
    fn allowed() -> String;
}

impl SwitchValue for bool {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "true" | "on" | "1" => Some(true),
            "false" | "off" | "0" => Some(false),
            _ => None,
        }
    }
    fn show(&self) -> String {
        self.to_string()
    }
    fn allowed() -> String {
        "true | false".to_owned()
    }
}

impl SwitchValue for i64 {
    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|number| (0..=4_000_000_000_000).contains(number))
    }
    fn show(&self) -> String {
        self.to_string()
    }
    fn allowed() -> String {
        "a whole number, 0 or more".to_owned()
    }
}

impl SwitchValue for String {
    fn parse(text: &str) -> Option<Self> {
        (text.len() <= 200).then(|| text.to_owned())
    }
    fn show(&self) -> String {
        self.clone()
    }
    fn allowed() -> String {
        "text up to 200 bytes".to_owned()
    }
}

/// An enum whose variants have names on the wire.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($variant),+ }
        impl $crate::switch::SwitchValue for $name {
            fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
            fn show(&self) -> String {
                match self { $(Self::$variant => $text.to_owned()),+ }
            }
            fn allowed() -> String {
                [$($text),+].join(" | ")
            }
        }
    };
}
pub(crate) use choice;

/// One row of the list, for showing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwitchInfo {
    pub name: &'static str,
    pub value: String,
    pub default: String,
    pub allowed: String,
    pub about: &'static str,
}

/// The struct of all switches with its by-name access.
macro_rules! switches {
    ($($field:ident : $kind:ty = $default:expr, $name:literal, $about:literal;)+) => {
        /// Every switch, at its present value.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Switches { $(pub $field: $kind),+ }

        impl Default for Switches {
            fn default() -> Self {
                Self { $($field: $default),+ }
            }
        }

        impl Switches {
            /// Sets one switch by its name; the error says what is allowed.
            pub fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
                $(if name == $name {
                    let value = <$kind as $crate::switch::SwitchValue>::parse(text);
                    let Some(value) = value else {
                        let allowed = <$kind as $crate::switch::SwitchValue>::allowed();
                        return Err(format!("{name}: `{text}` is not one of: {allowed}"));
                    };
                    self.$field = value;
                    return Ok(());
                })+
                Err(format!("no switch is called `{name}`"))
            }

            /// All switches in the order of the list.
            pub fn list(&self) -> Vec<SwitchInfo> {
                use $crate::switch::SwitchValue;
                vec![$(SwitchInfo {
                    name: $name,
                    value: self.$field.show(),
                    default: <$kind as SwitchValue>::show(&$default),
                    allowed: <$kind as SwitchValue>::allowed(),
                    about: $about,
                }),+]
            }
        }
    };
}
pub(crate) use switches;
