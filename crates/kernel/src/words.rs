//! Enumerations whose words are stored, sent and read back.

/// Declares an enumeration with its words: `words! { Status { New = "new", Closed = "closed" } }`. The crate that uses it
/// links `serde`.
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant),*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            /// The word in code, API and storage.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word),*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<$name, String> {
                let words: Vec<&str> = $name::ALL.iter().map(|word| word.as_str()).collect();
                $name::ALL.iter().copied().find(|word| word.as_str() == text)
                    .ok_or_else(|| format!("`{text}` is none of {}", words.join(", ")))
            }
        }
    };
}
