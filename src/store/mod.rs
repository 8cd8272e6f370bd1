//! The only module that knows files and Parquet.
