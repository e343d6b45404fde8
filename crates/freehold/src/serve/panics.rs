//! Panics in the log: where and in which thread, never their message, which may quote what somebody wrote.

use std::panic::PanicHookInfo;

/// From now on a panic is one line in the log.
pub(super) fn install() {
    std::panic::set_hook(Box::new(note));
}

fn note(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    let current = std::thread::current();
    let thread = current.name().unwrap_or("without a name");
    tracing::error!(place, thread, "a defect of this program: report it with this line");
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::panic::{catch_unwind, set_hook, take_hook};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_logged_with_its_place_and_without_its_words() {
        let page = Page::default();
        let writer = page.clone();
        let log = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
        let before = take_hook();
        install();
        let ended = tracing::subscriber::with_default(log, || {
            catch_unwind(|| {
                let words = String::from("the salary of Ada");
                panic!("{words} is 4200");
            })
        });
        set_hook(before);
        let logged = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        assert!(ended.is_err());
        assert!(logged.contains(file!()) && logged.contains("thread="), "{logged}");
        assert!(!logged.contains("salary") && !logged.contains("4200"), "{logged}");
    }
}
