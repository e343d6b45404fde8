//! Tests against the real executable.

mod it {
    mod arguments;
    mod crash;
    mod folder;
    mod keys;
    mod server;
    mod settings;
    mod stop;
}
