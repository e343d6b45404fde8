//! Small letters that stand for another with a mark on it: what canonical decomposition (Unicode Standard Annex 15) leaves
//! of them without the mark. Latin, Greek, Cyrillic and Arabic; and a few that are written in more than one way.

/// In each row, marked letters and, at the same places, what is left of them.
pub(super) const BARE: [(&str, &str); 9] = [
    ("àáâãäåçèéêëìíîïñòóôõöøùúûüýÿāăąćĉċčďđēĕėęěĝğġģĥħĩī", "aaaaaaceeeeiiiinoooooouuuuyyaaaccccddeeeeegggghhii"),
    ("ĭįıĵķĺļľłńņňōŏőŕŗřśŝşšţťũūŭůűųŵŷźżžſơưǎǐǒǔǖǘǚǜǟǡǣǧ", "iiijkllllnnnooorrrssssttuuuuuuwyzzzsouaiouuuuuaaæg"),
    ("ǩǫǭǯǰǵǹǻǽǿȁȃȅȇȉȋȍȏȑȓȕȗșțȟȧȩȫȭȯȱȳΐάέήίΰςϊϋόύώϓϔйѐёѓ", "kooʒjgnaæøaaeeiioorruusthaeooooyιαεηιυσιυουωϒϒиеег"),
    (
        "їќѝўѷӂӑӓӗӛӝӟӣӥӧӫӭӯӱӳӵӹ\u{622}\u{623}\u{624}\u{625}\u{626}\u{629}\u{649}\u{671}\u{6c0}\u{6c2}\u{6d3}ḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡ",
        "ікиуѵжааеәжзииоөэууучы\u{627}\u{627}\u{648}\u{627}\u{64a}\u{647}\u{64a}\u{627}\u{6d5}\u{6c1}\u{6d2}abbbcdddddeeeeefg",
    ),
    ("ḣḥḧḩḫḭḯḱḳḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅ", "hhhhhiikkkllllmmmnnnnoooopprrrrsssssttttuuuuuvvwww"),
    ("ẇẉẋẍẏẑẓẕẖẗẘẙẛạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứ", "wwxxyzzzhtwysaaaaaaaaaaaaeeeeeeeeiioooooooooooouuu"),
    ("ừửữựỳỵỷỹἀἁἂἃἄἅἆἇἐἑἒἓἔἕἠἡἢἣἤἥἦἧἰἱἲἳἴἵἶἷὀὁὂὃὄὅὐὑὒὓὔὕ", "uuuuyyyyααααααααεεεεεεηηηηηηηηιιιιιιιιοοοοοουυυυυυ"),
    ("ὖὗὠὡὢὣὤὥὦὧὰάὲέὴήὶίὸόὺύὼώᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾰᾱ", "υυωωωωωωωωααεεηηιιοουυωωααααααααηηηηηηηηωωωωωωωωαα"),
    ("ᾲᾳᾴᾶᾷῂῃῄῆῇῐῑῒΐῖῗῠῡῢΰῤῥῦῧῲῳῴῶῷ", "αααααηηηηηιιιιιιυυυυρρυυωωωωω"),
];
