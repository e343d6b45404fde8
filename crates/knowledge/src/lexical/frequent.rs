//! Words that say little in themselves, of languages that many people write. They count for little where no statistics
//! are known; they are never left out.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::letters::{fold, lower};
use super::words::words;

/// Articles, pronouns, prepositions, conjunctions, auxiliaries and question words, each list with the languages that it is of
/// (ISO 639-3).
const LISTS: &[(&[&str], &str)] = &[
    (&["eng"], "a an the this that these those it its he she they them his her their there here we us our you your i me my
     is are was were be been being am do does did done doing have has had having will would shall should can could may
     might must of in on at to from by with for as into onto about than then so if or and but not no nor
     what which who whom whose when where why how many much some any each other more most such also only very
     during between after before over under out up down off through because while until own same too
     t s d ll re ve m don doesn didn isn aren wasn weren"),
    (&["deu"], "der die das den dem des ein eine einer eines einem einen kein keine keiner keinen keinem und oder aber nicht auch
     ist sind war waren wird werden wurde wurden sein bin bist hat haben hatte hatten kann können konnte darf muss müssen
     soll sollen ich du er sie es wir ihr ihn ihm ihnen sich man mein meine sein seine seiner seinen unser unsere
     in im an am auf aus bei beim mit nach von vom vor zu zum zur für über unter um durch gegen ohne bis seit zwischen
     während als wie wenn dass daß ob weil da so noch nur schon sehr mehr dieser diese dieses diesem diesen
     was wer wen wem wessen wann wo warum wieso welche welcher welches welchen welchem wieviel viele hier dort"),
    (&["fra"], "le la les un une des du de au aux ce cet cette ces et ou mais ne pas plus que qui quoi dont où quand comment pourquoi
     quel quelle quels quelles combien est sont était étaient être été a ont avait avaient avoir il elle ils elles on nous
     vous je tu me te se son sa ses leur leurs mon ma mes notre nos votre vos dans en sur sous par pour avec sans entre
     vers chez comme si y aussi très l d qu c n s j m t"),
    (&["spa"], "el la los las un una unos unas lo al del de y e o u pero no ni que qué quien quién quienes cual cuál cuáles cuando
     cuándo donde dónde como cómo por porque para con sin sobre entre hasta desde en a ante es son era eran fue fueron ser
     sido está están estaba ha han había haber se su sus le les me te nos mi tu yo él ella ellos ellas este esta estos
     estas ese esa eso más muy también ya cuánto cuántos cuánta cuántas qué"),
    (&["ita"], "il lo la i gli le un uno una del dello della dei degli delle al allo alla ai agli alle dal dalla nel nella nei sul
     sulla di a da in con su per tra fra e o ma non che chi cui quale quali quando dove come perché quanto quanti è sono
     era erano essere stato ha hanno aveva si ci mi ti suo sua suoi sue questo questa più anche"),
    (&["por"], "o os as um uma uns umas do da dos das no na nos nas ao aos à às pelo pela de em por para com sem sobre entre e ou mas
     não que quem qual quais quando onde como porque quanto quantos é são era eram foi foram ser sido está estão tem têm
     tinha há se seu sua seus suas ele ela eles elas este esta isso mais também"),
    (&["nld"], "de het een en of maar niet is zijn was waren wordt worden werd werden heeft hebben had hadden kan kunnen in op aan
     van met voor door bij naar uit over om te tot tussen als dat die deze dit wat wie waar wanneer waarom hoe welke
     hoeveel hij zij ze wij we ik je jij u er ook nog meer"),
    (&["swe", "dan", "nob"], "en ett et den det de dem och og eller men inte ikke är er var vara være har hade hadde kan skal ska i på av af til
     till med för for från fra om som att at vad hva hvad vem hvem när når var hvor varför hvorfor hur hvordan vilken
     hvilken han hon hun jag jeg du vi ni sig seg"),
    (&["pol"], "i w we z ze na do o od po za przez dla przy nad pod jest są był była było były być nie się to ten ta te tego tej jak
     kto co kiedy gdzie dlaczego który która które ile oraz lub ale że czy"),
    (&["ces"], "a v ve na se že s z o do je jsou byl byla bylo být jsem jste jak co kdo kdy kde kolik který která které proč nebo ale
     to ta nic pro při za po od"),
    (&["ron"], "și în la de pe cu din este sunt era ce cine când unde cât câte cum nu un o am ai să pentru despre acest această"),
    (&["hun"], "a az és hogy nem is egy van volt mi ki mikor mennyi hány milyen miért ez azt de csak lesz"),
    (&["fin"], "ja on ei ole oli että se mikä mitä kuka milloin missä kuinka monta miksi tai mutta hän minä minun joka myös kun"),
    (&["ukr"], "і й в у на з до що як це не та або але коли де хто скільки чому який яка які є був була було я ви він вона для про
     від"),
    (&["tur"], "ve veya ile bir bu şu o da de ki mi mı mu mü için gibi kadar daha en çok ne kim nerede nasıl neden hangi kaç olan
     olarak değil"),
    (&["rus"], "и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по только ее мне было вот от меня еще
     нет о из ему когда даже ну ли если уже или ни быть был была были него до вас опять вам ведь там потом себя ничего ей
     может они тут где есть надо ней для мы их чем сам чтоб без чего раз тоже под кто этот того какой какая какие это
     эта эти сколько почему куда при об"),
    (&["ara", "pes"], "من في على إلى عن مع أن إن كان كانت يكون هو هي هم هذا هذه ذلك تلك التي الذي الذين ما ماذا متى أين كيف لماذا كم هل أي
     لا لم لن قد و أو ثم بين بعد قبل عند كل بعض غير حتى منذ خلال به له لها بها فيها فيه عليه عليها
     و در به از که این آن را با برای است بود شد چه کی کجا چرا چگونه"),
    (&["hin"], "का के की को में से पर है हैं था थी थे और या नहीं यह वह इस उस ये वे एक कि जो क्या कब कहाँ क्यों कैसे कौन कितने ने तो भी"),
    // Pairs of letters.
    (&["cmn", "jpn"], "什么 么时 多少 哪里 哪个 哪些 怎么 为什 的时 是什 的是 了什 一个 有多 是谁 何时 在哪 个什 如何 何が 何で 何年 です ます した して
     する から まで ない ある いる れた れて って との には では とは ので こと もの どの よう うな たの ので 的一 中的 上的"),
    (&["ell"], "ο η το οι τα του της των τον την και ή αλλά δεν να με σε από για στο στη στην στον είναι ήταν που τι ποιος ποια ποιο
     πότε πού πώς γιατί πόσο πόσα ως"),
    (&["vie"], "là và của có không được trong cho với các những một này đó khi nào gì ai đâu sao như thế"),
    (&["ind"], "yang dan di ke dari untuk dengan pada adalah itu ini tidak atau apa siapa kapan mana mengapa bagaimana berapa"),
];

/// Each word, as it is looked up, with the places of its lists.
static FREQUENT: LazyLock<HashMap<String, Vec<usize>>> = LazyLock::new(|| {
    let mut words: HashMap<String, Vec<usize>> = HashMap::new();
    for (place, (_, list)) in LISTS.iter().enumerate() {
        for word in list.split_whitespace() {
            let places = words.entry(fold(&lower(word))).or_default();
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
    }
    words
});

/// Whether a word, as it is looked up, is frequent in one of these languages.
pub(super) fn is_frequent(folded: &str) -> bool {
    FREQUENT.contains_key(folded)
}

/// The languages of which a text has most frequent words; none where it has none.
pub(crate) fn languages_by_words(text: &str) -> Vec<&'static str> {
    let mut counts = vec![0_usize; LISTS.len()];
    words(text, &mut |word| {
        for place in FREQUENT.get(&word.folded).into_iter().flatten() {
            if let Some(count) = counts.get_mut(*place) {
                *count += 1;
            }
        }
    });
    let most = counts.iter().copied().max().unwrap_or_default();
    let best = LISTS.iter().zip(counts).filter(|(_, count)| *count == most && most > 0);
    best.flat_map(|((codes, _), _)| codes.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_words_tell_of_which_language_a_text_is() {
        assert_eq!(languages_by_words("What discount do our resellers get?"), ["eng"]);
        assert_eq!(languages_by_words("Wie viel verdient Bastian?"), ["deu", "nld"]);
        assert_eq!(languages_by_words("Zzyzzyva"), Vec::<&str>::new());
    }

    #[test]
    fn question_words_are_frequent_and_names_are_not() {
        assert!(["the", "wahrend", "cuando", "когда", "متي", "是谁"].into_iter().all(is_frequent));
        assert!(!["invoice", "urlaub", "год", "年假"].into_iter().any(is_frequent));
    }
}
