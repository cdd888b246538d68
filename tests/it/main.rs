//! The one integration test binary: a folder, so that it is linked once.

mod c14n_corpus;
