"""How well letters of many alphabets go together in a name, as far as telling code pages apart takes it."""

import re
from collections.abc import Callable, Collection
from functools import lru_cache

_LATIN = {
    **dict.fromkeys("äöüéßèñçãáíóúåøæ", 1.0),
    **dict.fromkeys("àâêîôû", 0.95),
    **dict.fromkeys("čšžřýłąęśżóńćźěůőğşıățș", 0.9),
    **dict.fromkeys("õëďňťđľűţ", 0.8),
}
_ALPHABETS = tuple(
    frozenset(letters)
    for letters in (
        "äöüß",
        "àâæçéèêëîïôœùûüÿ",
        "áéíñóúü",
        "áâãàçéêíóôõú",
        "àèéìíîòóùú",
        "åäöéæø",
        "çğıöşüâîû",
        "ąćęłńóśźż",
        "áčďéěíňóřšťúůýžäĺľŕô",
        "áéíóöőúüű",
        "ăâîșțşţ",
        "čćđšž",
    )
)
"""German, French, Spanish, Portuguese, Italian, the Scandinavian ones, Turkish, Polish, Czech and Slovak, Hungarian,
Romanian, and the southern Slavic ones."""
_NEVER_FIRST = "ßãõñêîûğ"
_GREEK = "αοιετσνηυρπκμλςγδωθχβφξζψ"
_HEBREW = "יוהלאמרתבשנםעדחקכפטגצזסןךףץ"
_GREEK_ACCENTED = "άέήίόύώϊϋΐΰ"
_ARABIC = "اليمنورتبةعدسهفكحقجشطصخزىذثءغضأإظؤئآپچژگکی"
"""From the commonest letter on; the last are Persian."""
_THAI_RARE = "ฃฅฆฌฎฏฐฑฒฬฤฦ"
_THAI_ABOVE_OR_BELOW = frozenset("ัิีึืฺุู็่้๊๋์ํ๎")
_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфёъіїєґ"
"""From the commonest letter on."""
_FREQUENT_HAN = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多"
    "经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知"
    "全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门"
    "任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接"
    "必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住"
    "告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运猫狗花鸟鱼树苹香蕉橙桃梨葡萄瓜草莓车飞船猪牛羊鸡鸭虎"
    "狮熊兔蛇鼠龙图片照张健康病叶麦米豆红绿蓝黄黑测试训练标签产缺陷好坏裂纹良不"
    "個們這來為國說時會對於過發後裡經學現當動還進樣開從實軍無與長機關點業將兩間問戰應頭體見產話給門東聲員論處義認條題別變總電數報"
    "結務場計資區隊馬書則聽達強難權設記類據邊張該規萬覺術領確傳師觀讓識帶導爭運貓鳥魚樹蘋車飛豬雞鴨獅龍圖葉麥紅綠藍黃測試訓練標籤"
    "日一国会人年大十二本中長出三同時政事自行社見月分議後前民生連五発間対上部東者党地合市業内相方四定今回新場金員九入選立開手米力"
    "学問高代明実円関決子動京全目表戦経通外最言氏現理調体化田当八六約主題下首意法不来作性的要用制治度務強気小七成期公野協取都和統以"
    "機平総加山思家話世受区領多県続進正安設保改数記院女初北午指権心界支第産結百派点教報済書府活原先共得解名交資予川向際査勝面委告軍"
    "文反元重近千考判認画海参売利組知案道信策集在件団別物側任引使求所次水半品昨論計死官増係感特情投示変打男基私各始島直両朝革価式確"
    "村提運終挙果西勢減台広容必応演電歳住争談能無再位置企真流格有疑口過局少放税検藤町常校料沢裁状工建語球営空職証土与急止送援供可役"
    "划痕螺丝虫鼠瑕疵玫瑰皮膚炎品肤疹肿瘤骨牙肺脑番茄枝杆根茎籽甲乙丙丁春夏秋冬左右下前正反空满关低旧男老幼"
    "構木割聞身費付施切由説転食比難防補車優夫研収断井何南石足違消境神番規術護展態導鮮備宅害配副算視条幹独警宮究育席輸訪楽起万着乗店"
    "述残想線率病農州武声質念待試族象銀域助労例衛然早張映限親額監環験追審商葉義伝働形景落欧担好退準賀訴辺造英被株頭技低毎医復仕去姿"
    "味負閣韓渡失移差衆個門写評課末守若脳極種美岡影命含福蔵量望松非撃佐核観察整段横融型白深字答夜製票況音申様財港識注呼渉猫犬鳥魚花"
    "椅子机桜梅竹豚牛馬鶏虎熊兎亀蛇林森雪雨雲空星糸靴服帽赤青黄緑黒茶紙箱皿茶碗鍋家具硬貨真円玉枚"
)
_FREQUENT_HANGUL = frozenset(
    "이다는을가에의하고지한기사로은리도자시인어나아대정수서스부라일전그제해보원들장구여주트드과조유상비화공성면소우안거동관경무마문중미러"
    "크신음후타카국회생선방속반양오데당행물법결용각산위실재교적되만계니까치레터피포차호모버베르식품프요바심토민당체진감래복분세개출설통연"
    "강변명학말초역플메였씨령두영불열점간림노배야본투파쪽직단락준최태접야배추밥빵포도사과배귤감자고양이강아지새말소돼닭나무꽃잎물병"
    "합격결함새폴더빨강파랑캔토끼곰호랑얼굴손발눈코입귀봄름을겨울위아래왼오른쪽없있좋쁨"
    "금속불량균열흠집컵칼숟가락그릇의자책상신발양말모자옷가방차"
)
GAP = -1.2
"""Worth of what is in no name: drawing of boxes, mathematics, control characters."""


@lru_cache(maxsize=65_536)
def worth_of(char: str, before: str, after: str) -> float:
    """Return how likely a character stands in a name between its neighbours: 1 a common letter, below 0 hardly.

    Args:
        char: No ASCII.
        before: The character before it, empty at the start.
        after: The character after it, empty at the end.
    """
    for is_of, worth in _SCRIPTS:
        if is_of(char):
            return worth(char, before, after)
    return GAP


def _western(char: str, before: str, after: str) -> float:
    worth = 0.9 if char == "İ" else _LATIN.get(char.lower(), 0.3)
    worth += 0.05 * (char == "ý" and not after.isalpha())
    num_strange = sum(not each.isascii() for each in (before, after))
    if num_strange:
        worth -= 0.25 if num_strange == 1 else 1.5  # three of them together are bytes of another script
    if not (_is_latin(before) or _is_latin(after)) or (num_strange and not (before + after).isalpha()):
        worth -= 0.4
    is_capital_inside = char.isupper() and (before.islower() or (before.isupper() and after.islower()))
    is_misplaced = is_capital_inside or (char in _NEVER_FIRST and not before.isalpha())
    return worth - is_misplaced


def _cyrillic(char: str, before: str, after: str) -> float:
    rank = _CYRILLIC.find(char.lower())
    worth = 1.1 - 0.015 * rank if rank >= 0 else -0.3
    if _is_latin(before) or _is_latin(after):
        worth -= 0.8
    if (char.isupper() and before.islower()) or (char == "й" and before.isalpha() and before not in "аеёиіоуыэюя"):
        worth -= 1.5
    return worth - 0.2 if char.isupper() and before.isupper() else worth


def _by_rank(char: str, alphabet: str) -> float:
    """Return the worth of a letter by its place in an alphabet that begins with the commonest."""
    rank = alphabet.find(char)
    return 1.1 - 0.012 * rank if rank >= 0 else -0.6


def _among_itself(start: str, end: str, before: str, after: str) -> bool:
    """Tell whether a letter stands beside others of its alphabet, and beside no Latin ones."""
    is_alone = not any(start <= each <= end for each in (before, after) if each)
    return not (is_alone or _is_latin(before) or _is_latin(after))


def _greek(char: str, before: str, after: str) -> float:
    """Greek: one accent in a word, capitals at its beginning or throughout, and a sigma of its own at its end."""
    if not _among_itself("\u0370", "\u03ff", before, after):
        return -0.8
    is_capital_inside = char.isupper() and before.islower()
    has_two_accents = char in _GREEK_ACCENTED and after in _GREEK_ACCENTED and after != ""
    is_accented_inside = char in "ΆΈΉΊΌΎΏΪΫ" and before.isalpha()
    is_wrong_sigma = char == "ς" and "\u03b1" <= after <= "\u03c9"
    if char in "ϊϋΐΰ":
        return 0.7 if before in {*"αεοιυάέόίύ"} else -0.8
    worth = 1.3 if char in _GREEK_ACCENTED else _by_rank(char.lower(), _GREEK) - 0.15
    return worth - 1.5 * (is_capital_inside or has_two_accents or is_accented_inside or is_wrong_sigma)


def _hebrew(char: str, before: str, after: str) -> float:
    """Hebrew: five letters are written otherwise at the end of a word."""
    if not _among_itself("\u05d0", "\u05ea", before, after):
        return -0.8
    is_end = not "\u05d0" <= after <= "\u05ea" if after else True
    return _by_rank(char, _HEBREW) - 1.5 * (char in "ךםןףץ" and not is_end) - 0.8 * (char in "כמנצ" and is_end)


def _arabic(char: str, before: str, after: str) -> float:
    """Arabic and Persian: some letters are commoner than others, and two stand at the end of a word only."""
    if not _among_itself("\u0621", "\u06cc", before, after):
        return -0.8
    return _by_rank(char, _ARABIC) - 1.5 * (char in "ةىء" and "\u0621" <= after <= "\u064a" and after != "")


def _thai(char: str, before: str, after: str) -> float:
    """Thai: what is written above or below a letter follows one, and what is written before one is followed by one."""
    if not _among_itself("\u0e01", "\u0e5b", before, after):
        return -0.8
    if char in _THAI_ABOVE_OR_BELOW:
        return 1.0 if _is_thai_letter(before) or before in _THAI_ABOVE_OR_BELOW else -1.2
    if "\u0e40" <= char <= "\u0e44":
        return 1.0 if _is_thai_letter(after) else -1.2
    is_common = (_is_thai_letter(char) and char not in _THAI_RARE) or char in "ะาำๆ"
    return 0.85 if is_common else 0.3 if _is_thai_letter(char) else -0.6


def _is_thai_letter(char: str) -> bool:
    return "\u0e01" <= char <= "\u0e2e"


def _han(char: str, before: str, after: str) -> float:
    worth = 1.3 if char in _FREQUENT_HAN else 0.5 if _is_first_level(char) else -0.4
    return worth - 0.7 * (_is_latin(before) + _is_latin(after))


def _hangul(char: str, before: str, after: str) -> float:
    worth = 1.3 if char in _FREQUENT_HANGUL else 0.4 if _in_page(char, "euc_kr") else -0.6
    return worth - 0.7 * (_is_latin(before) + _is_latin(after))


def _kana(_char: str, before: str, after: str) -> float:
    is_beside_hangul = any("\uac00" <= each <= "\ud7a3" for each in (before, after) if each)
    return 1.3 - 0.5 * (_is_latin(before) + _is_latin(after)) - 1.3 * is_beside_hangul


def _half_kana(_char: str, before: str, after: str) -> float:
    """Half-width kana: some stand in real names, among themselves; many stand for bytes of another page."""
    is_among_itself = any("\uff61" <= each <= "\uff9f" for each in (before, after) if each)
    return (0.2 if is_among_itself else -0.6) - 0.7 * (_is_latin(before) + _is_latin(after))


def _sign(_char: str, _before: str, _after: str) -> float:
    return 0.1


def _is_latin(char: str) -> bool:
    return bool(re.fullmatch("[A-Za-z\u00c0-\u024f]", char))


def _is_first_level(char: str) -> bool:
    """Tell whether a character is among the few thousand that Chinese or Japanese standards put first."""
    gb, jis, big5 = (_code(char, page) for page in ("gb2312", "shift_jis", "big5"))
    return b"\xb0" <= gb[:1] <= b"\xd7" or b"\x88" <= jis[:1] <= b"\x97" or b"\xa4" <= big5[:1] <= b"\xc6"


def _in_page(char: str, page: str) -> bool:
    return bool(_code(char, page))


def _code(char: str, page: str) -> bytes:
    return char.encode(page, "ignore")


def _within(*ranges: tuple[str, str]) -> Callable[[str], bool]:
    return lambda char: any(low <= char <= high for low, high in ranges)


_SCRIPTS: tuple[tuple[Callable[[str], bool], Callable[[str, str, str], float]], ...] = (
    (lambda char: char in "\u00d7\u00f7", lambda *_: GAP),
    (_within(("\u00c0", "\u024f"), ("\u1e00", "\u1eff"), ("\u0300", "\u036f")), _western),
    (_within(("\u0400", "\u04ff")), _cyrillic),
    (_within(("\u0370", "\u03ff")), _greek),
    (_within(("\u05d0", "\u05ea")), _hebrew),
    (_within(("\u0621", "\u063a"), ("\u0641", "\u064a"), ("\u067e", "\u06cc")), _arabic),
    (_within(("\u0e01", "\u0e5b")), _thai),
    (_within(("\u3041", "\u30ff")), _kana),
    (_within(("\u4e00", "\u9fff")), _han),
    (_within(("\uac00", "\ud7a3")), _hangul),
    (_within(("\uff61", "\uff9f")), _half_kana),
    (_within(("\u3000", "\u303f"), ("\uff01", "\uff5e")), _sign),
    (
        lambda char: char in "\u2013\u2014\u2018\u2019\u201c\u201d\u2026\u00a0\u00b0\u00ba\u00aa\u00ab\u00bb\u20ac",
        _sign,
    ),
)


def is_of_one_language(letters: Collection[str]) -> bool:
    """Tell whether letters of the Latin alphabet beyond English are those of one language."""
    strange = {each for each in letters if not each.isascii()}
    return any(strange <= alphabet for alphabet in _ALPHABETS)
