//! Positions of records and profiles in the columns that hold them, each a type of its own: the compiler keeps them apart.

/// Declares a position in 32 bits.
macro_rules! position {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// Stands for an absent one where memory is counted.
            pub const NONE: Self = Self(u32::MAX);

            /// The place in a column.
            #[inline]
            pub const fn index(self) -> usize {
                self.0 as usize
            }

            /// The position of a place in a column.
            ///
            /// # Panics
            ///
            /// If the column has more rows than 32 bits can count, which its reader refuses.
            #[inline]
            pub fn at(index: usize) -> Self {
                Self(u32::try_from(index).expect("positions are counted in 32 bits"))
            }

            /// The positions from one number up to another, which is left out.
            pub fn range(numbers: std::ops::Range<u32>) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + Clone {
                numbers.map(Self)
            }
        }
    };
}

position! {
    /// Position of a record of a person among all that a step holds, in record order.
    RecordIx
}

position! {
    /// Position of a profile among all that a step holds, in the order of ids.
    ProfileIx
}
