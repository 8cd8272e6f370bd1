//! Positions of records and profiles in columns. Each has its own type, so that the compiler prevents mistakes.

/// Declares a position of 32 bits.
macro_rules! position {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// Means none, where an `Option` would take more memory.
            pub const NONE: Self = Self(u32::MAX);

            /// The index in a column.
            #[inline]
            pub const fn index(self) -> usize {
                self.0 as usize
            }

            /// The position of an index in a column.
            ///
            /// # Panics
            ///
            /// If the index does not fit into 32 bits; readers refuse columns of that size.
            #[inline]
            pub fn at(index: usize) -> Self {
                Self(u32::try_from(index).expect("positions are counted in 32 bits"))
            }

            /// The positions from one number up to another, which is excluded.
            pub fn range(numbers: std::ops::Range<u32>) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator + Clone {
                numbers.map(Self)
            }
        }
    };
}

position! {
    /// Position of a person record among all records of a step, in record order.
    RecordIx
}

position! {
    /// Position of a profile among all profiles of a step, in the order of ids.
    ProfileIx
}
