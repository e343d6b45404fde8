//! The languages in which the assistant says by itself that nothing was found.

/// A language in which people ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spoken {
    /// ISO 639-3.
    code: &'static str,
    /// Its English name, by which the model knows it.
    pub(super) name: &'static str,
    nothing: &'static str,
}

/// So many words are needed to tell languages apart that share letters.
const FEWEST_WORDS: usize = 3;

const fn spoken(code: &'static str, name: &'static str, nothing: &'static str) -> Spoken {
    Spoken { code, name, nothing }
}

const LANGUAGES: &[Spoken] = &[
    spoken("eng", "English", "I found nothing about this in what you can read."),
    spoken("deu", "German", "Dazu habe ich in dem, was Sie lesen können, nichts gefunden."),
    spoken("fra", "French", "Je n'ai rien trouvé à ce sujet dans ce que vous pouvez lire."),
    spoken("spa", "Spanish", "No he encontrado nada sobre esto en lo que usted puede leer."),
    spoken("ita", "Italian", "Non ho trovato nulla su questo in ciò che può leggere."),
    spoken("por", "Portuguese", "Não encontrei nada sobre isto no que você pode ler."),
    spoken("nld", "Dutch", "Hierover heb ik niets gevonden in wat u kunt lezen."),
    spoken("pol", "Polish", "Nie znalazłem nic na ten temat w tym, co możesz przeczytać."),
    spoken("swe", "Swedish", "Jag hittade inget om detta i det som du kan läsa."),
    spoken("dan", "Danish", "Jeg fandt intet om dette i det, du kan læse."),
    spoken("nob", "Norwegian", "Jeg fant ingenting om dette i det du kan lese."),
    spoken("fin", "Finnish", "En löytänyt tästä mitään siitä, mitä voit lukea."),
    spoken("ces", "Czech", "V tom, co můžete číst, jsem o tom nic nenašel."),
    spoken("ron", "Romanian", "Nu am găsit nimic despre asta în ceea ce puteți citi."),
    spoken("hun", "Hungarian", "Erről nem találtam semmit abban, amit Ön olvashat."),
    spoken("tur", "Turkish", "Okuyabildikleriniz arasında bununla ilgili bir şey bulamadım."),
    spoken("ell", "Greek", "Δεν βρήκα τίποτα σχετικό σε όσα μπορείτε να διαβάσετε."),
    spoken("rus", "Russian", "В том, что вам доступно для чтения, я ничего об этом не нашёл."),
    spoken("ukr", "Ukrainian", "У тому, що ви можете читати, я нічого про це не знайшов."),
    spoken("ara", "Arabic", "لم أجد شيئًا عن هذا فيما يمكنك قراءته."),
    spoken("heb", "Hebrew", "לא מצאתי דבר על כך במה שאפשר לך לקרוא."),
    spoken("hin", "Hindi", "आप जो पढ़ सकते हैं, उसमें मुझे इसके बारे में कुछ नहीं मिला।"),
    spoken("tha", "Thai", "ไม่พบข้อมูลเกี่ยวกับเรื่องนี้ในสิ่งที่คุณอ่านได้"),
    spoken("vie", "Vietnamese", "Tôi không tìm thấy gì về điều này trong những gì bạn có thể đọc."),
    spoken("jpn", "Japanese", "閲覧できる資料の中に、これに関する情報は見つかりませんでした。"),
    spoken("cmn", "Chinese", "在您可以阅读的内容中，没有找到相关信息。"),
    spoken("kor", "Korean", "읽을 수 있는 자료에서 이에 관한 내용을 찾지 못했습니다."),
];

/// The language of a question, where it can be told.
pub(super) fn language(question: &str) -> Option<&'static Spoken> {
    let found = knowledge::language::detect(question)?;
    let told = found.reliable || question.split_whitespace().count() >= FEWEST_WORDS || !is_latin(question);
    LANGUAGES.iter().find(|known| told && known.code == found.code)
}

fn is_latin(text: &str) -> bool {
    text.chars().filter(|letter| letter.is_alphabetic()).all(|letter| letter < '\u{250}')
}

/// That nothing was found, in the language of the question; in English where that is not known.
pub(super) fn nothing_found(question: &str) -> &'static str {
    language(question).or(LANGUAGES.first()).map_or("", |language| language.nothing)
}

/// Whether these words are that sentence, in any language.
pub(super) fn is_nothing_found(words: &str) -> bool {
    LANGUAGES.iter().any(|language| language.nothing == words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_answered_in_its_language() {
        let check = |question: &str, name: &str| assert_eq!(language(question).map(|known| known.name), Some(name));
        check("How many days of holidays do I have?", "English");
        check("Wie viele Urlaubstage habe ich im Jahr?", "German");
        check("有給休暇は何日ありますか", "Japanese");
        check("我有多少天年假？", "Chinese");
        check("كم عدد أيام الإجازة؟", "Arabic");
        assert_eq!(language("42"), None);
        assert_eq!(nothing_found("zzz"), LANGUAGES[0].nothing);
    }

    #[test]
    fn each_sentence_is_in_its_own_language() {
        for spoken in LANGUAGES {
            let found = knowledge::language::detect(spoken.nothing).unwrap();
            // Danish and Norwegian are one language to who only reads letters.
            let near = ["dan", "nob"].contains(&spoken.code) && ["dan", "nob"].contains(&found.code.as_str());
            assert!(found.code == spoken.code || near, "{}: {}", spoken.nothing, found.code);
        }
    }
}
