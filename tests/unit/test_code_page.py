"""Names in other code pages are read as they were written, and names that differ go on to differ."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.archive.zip_format.code_page import names_of

LISTS = [
    ("cp932", "家具/ソファ/写真_00.jpg 家具/ソックス/写真.jpg"),
    ("cp932", "十円玉/1.jpg 百円玉/1.jpg"),
    ("cp932", "松/1.jpg 梅/2.jpg"),
    ("cp932", "犬/IMG_1.jpg 猫/IMG_2.jpg"),
    ("cp932", "りんご/a.jpg みかん/b.jpg"),
    ("cp932", "良品/1.png 不良品/2.png"),
    ("cp932", "表/a.jpg 能/b.jpg 予定/c.jpg"),
    ("cp932", "桜/1.jpg 杉/2.jpg"),
    ("euc_jp", "犬/1.jpg 猫/2.jpg"),
    ("euc_jp", "りんご/1 みかん/2"),
    ("euc_jp", "写真/花/1.jpg 写真/鳥/2.jpg"),
    ("gbk", "猫/1.jpg 狗/2.jpg"),
    ("gbk", "苹果/1.jpg 香蕉/2.jpg"),
    ("gbk", "玫瑰/1.jpg 郁金香/2.jpg 蒲公英/3.jpg"),
    ("gbk", "合格/1 不合格/2"),
    ("gbk", "训练/猫/1.jpg 训练/狗/1.jpg"),
    ("gbk", "联通/1.jpg 移动/2.jpg"),
    ("gbk", "白菜/1 萝卜/2 土豆/3"),
    ("cp950", "貓/1.jpg 狗/2.jpg"),
    ("cp950", "蘋果/1.jpg 香蕉/2.jpg"),
    ("cp950", "玫瑰/1.jpg 鬱金香/2.jpg 蒲公英/3.jpg"),
    ("cp950", "功能/1 許可/2"),
    ("cp950", "合格/1 不合格/2"),
    ("cp949", "고양이/1.jpg 강아지/2.jpg"),
    ("cp949", "사과/1.jpg 바나나/2.jpg 딸기/1"),
    ("cp949", "개/1 말/2"),
    ("cp949", "정상/1.jpg 불량/2.jpg"),
    ("cp949", "똠방각하/1.jpg 펲시/2.jpg"),
    ("cp949", "소/1 닭/2 돼지/3"),
    ("cp437", "Äpfel/1.jpg Birnen/2.jpg"),
    ("cp437", "café/1.jpg thé/2.jpg"),
    ("cp437", "Käfer/1 Hütte/2"),
    ("cp437", "señal/1 niño/2"),
    ("cp437", "Größe/1 Straße/1"),
    ("cp850", "Ação/1 São/2"),
    ("cp850", "Äpfel/1 Bäume/2"),
    ("cp850", "Øl/1 Brød/2 Æble/3"),
    ("cp850", "são/1 maçã/2 limão/3"),
    ("cp1252", "Äpfel/1 Birnen/2"),
    ("cp1252", "café/1 thé/2"),
    ("cp1252", "Käfer/1 Hütte/2"),
    ("cp1252", "maçã/1 limão/2"),
    ("cp1252", "brød/1 æble/2"),
    ("cp1252", "señal/1 niño/2"),
    ("cp1252", "été/1 hiver/2"),
    ("cp852", "żółw/1 gęś/2 łoś/3"),
    ("cp852", "kočka/1 pes/2 želva/3"),
    ("cp852", "jabłko/1 śliwka/2"),
    ("cp1250", "żółw/1 gęś/2 łoś/3"),
    ("cp1250", "jabłko/1 śliwka/2"),
    ("cp866", "кошка/1.jpg собака/2.jpg"),
    ("cp866", "Яблоко/1 Груша/2"),
    ("cp866", "Фото/Хорошо/1 Фото/Плохо/2"),
    ("cp866", "ёж/1 ель/2"),
    ("cp1251", "кошка/1.jpg собака/2.jpg"),
    ("cp1251", "Яблоко/1 Груша/2"),
    ("cp1251", "КОШКА/1 СОБАКА/2"),
    ("cp1251", "їжак/1 яблуко/2"),
    ("koi8_r", "кошка/1.jpg собака/2.jpg"),
    ("koi8_r", "Яблоко/1 Груша/2"),
    ("mac_roman", "café/1 thé/2"),
    ("mac_roman", "maçã/1 limão/2"),
    ("cp737", "γάτα/1 σκύλος/2"),
    ("cp737", "μήλο/1 αχλάδι/2"),
    ("cp1253", "γάτα/1 σκύλος/2"),
    ("cp1253", "μήλο/1 αχλάδι/2"),
    ("cp1255", "חתול/1 כלב/2"),
    ("cp862", "חתול/1 כלב/2"),
    ("cp1256", "قطط/1 كلاب/2"),
    ("cp1256", "سليم/1 مريض/2"),
    ("cp720", "قطط/1 كلاب/2"),
    ("cp720", "تفاح/1 موز/2"),
    ("cp874", "แมว/1 สุนัข/2"),
    ("cp874", "ปกติ/1 ผิดปกติ/2"),
    ("cp857", "çiçek/1 ağaç/2 kuş/3"),
    ("cp1254", "çiçek/1 ağaç/2 köpek/3"),
    ("cp1254", "sağlıklı/1 hasta/2"),
    ("cp852", "tučňák/1 liška/2"),
    ("cp852", "mačka/1 kôň/2"),
    ("cp1250", "kočka/1 pes/2 želva/3"),
    ("cp1250", "mačka/1 medvjeđić/2 žaba/3"),
    ("cp1250", "zdravý/1 nemocný/2"),
    ("cp852", "őzike/1 mókus/2 nyúl/3"),
    ("utf-8", "più/1 perché/2"),
    ("utf-8", "forêt/1 été/2"),
    ("utf-8", "кошка/1"),
    ("utf-8", "γάτα/1"),
    ("utf-8", "😀/1 ♥/2"),
    ("utf-8", "Äpfel/1 猫/2"),
]


@pytest.mark.parametrize(("page", "names"), LISTS)
def test_names_are_read_as_they_were_written(page: str, names: str) -> None:
    raw_names = [name.encode(page) for name in names.split(" ")]
    assert list(names_of(raw_names).values()) == names.split(" ")


def test_one_page_is_chosen_for_all_names_so_that_a_short_one_is_read_right_beside_others() -> None:
    names = ["家具/ソファ/1.jpg", "家具/椅子/2.jpg", "家具/机/3.jpg"]
    assert list(names_of(name.encode("cp932") for name in names).values()) == names


def test_two_characters_that_look_like_utf8_by_chance_are_read_by_the_page_of_the_others() -> None:
    names = ["猫/1.jpg", "狗/2.jpg", "苹果/3.jpg"]
    assert "猫".encode("gb18030").decode("utf-8") == "è"
    assert list(names_of(name.encode("gb18030") for name in names[:1]).values()) == names[:1]
    assert list(names_of(name.encode("gb18030") for name in names).values()) == names


def test_what_no_page_makes_sense_of_is_told_byte_by_byte() -> None:
    assert list(names_of([b"\x81\xb1\xb1/1.jpg", b"\x81\xb1\xb2/1.jpg"]).values()) == [
        r"\x81\xb1\xb1/1.jpg",
        r"\x81\xb1\xb2/1.jpg",
    ]


@given(st.lists(st.binary(min_size=1, max_size=12), max_size=6))
def test_names_that_differ_go_on_to_differ(raw_names: list[bytes]) -> None:
    names = names_of(raw_names)
    assert set(names) == set(raw_names)
    assert len(set(names.values())) == len(names)


def test_names_that_one_page_reads_alike_go_on_to_differ() -> None:
    twice = [b"\x81\xe0/1.jpg", b"\x87\x90/1.jpg"]  # both are the sign for "about" in Windows' Shift-JIS
    assert {name.decode("cp932") for name in twice} == {"\u2252/1.jpg"}
    names = names_of([*twice, *(name.encode("cp932") for name in ("りんご/1.jpg", "みかん/2.jpg", "ソファ/3.jpg"))])
    assert len(set(names.values())) == 5


TWO_AT_A_TIME = {
    "cp932": (
        "正常,異常,0_犬,1_猫,OK品,NG品,りんご,バナナ,ラーメン,寿司,たこ焼き,自動車,電車,飛行機,赤,青,皮膚炎,"
        "タンポポ,朝顔,ひまわり,画像,学習用,検証用,傷あり,傷なし,新しいフォルダー"
    ),
    "gb18030": (
        "正常,异常,猫,狗,苹果,香蕉,合格,缺陷,玫瑰花,向日葵,汽车,飞机,新建文件夹,红色,蓝色,裂纹,划痕,西红柿,"
        "土豆,口罩,没戴口罩,塑料瓶,纸箱,训练集,测试集,螺丝,虫,鼠"
    ),
    "cp950": (
        "正常,異常,貓,狗,蘋果,香蕉,合格,瑕疵,玫瑰花,向日葵,汽車,飛機,新增資料夾,紅色,藍色,裂痕,刮傷,蕃茄,"
        "口罩,寶特瓶,紙箱,訓練集,測試集"
    ),
    "cp949": (
        "정상,불량,고양이,개,사과,바나나,합격,결함,장미,해바라기,자동차,비행기,새 폴더,빨강,파랑,마스크,종이,"
        "플라스틱,유리,캔,호랑이,사자,토끼,곰,닭"
    ),
    "cp866": "кошка,собака,норма,брак,яблоко,банан,роза,красный,синий,Новая "
    "папка,машина,самолёт,хорошо,плохо,гриб,Ель,дуб",
    "cp1251": "кошка,собака,норма,брак,яблоко,банан,роза,красный,синий,Новая "
    "папка,машина,самолёт,хорошо,плохо,гриб,Ель,дуб",
    "cp1253": "γάτα,σκύλος,μήλο,αχλάδι,υγιές,άρρωστο,κόκκινο,μπλε,Νέος φάκελος,δέντρο,λουλούδι,πουλί",
    "cp737": "γάτα,σκύλος,μήλο,αχλάδι,υγιές,άρρωστο,κόκκινο,μπλε,Νέος φάκελος,δέντρο,λουλούδι,πουλί",
    "cp1255": "חתול,כלב,תפוח,בננה,תקין,פגום,אדום,כחול,תיקייה חדשה,מכונית,עץ,פרח,ציפור,שושנה,לבן,שחור",
    "cp862": "חתול,כלב,תפוח,בננה,תקין,פגום,אדום,כחול,תיקייה חדשה,מכונית,עץ,פרח,ציפור,שושנה,לבן,שחור",
    "cp1256": "قطط,كلاب,تفاح,موز,سليم,مريض,أحمر,أزرق,مجلد جديد,سيارة,شجرة,زهرة,طائر,جيد,سيئ,صحي,مصاب,قمح,ورق,بلاستيك",
    "cp720": "قطط,كلاب,تفاح,موز,سليم,مريض,أحمر,أزرق,مجلد جديد,سيارة,شجرة,زهرة,طائر,جيد,سيئ,صحي,مصاب,قمح,ورق,بلاستيك",
    "cp874": "แมว,สุนัข,ปกติ,ผิดปกติ,แอปเปิล,กล้วย,แดง,น้ำเงิน,โฟลเดอร์ใหม่,รถยนต์,ต้นไม้,ดอกไม้,นก,ข้าว,ใบ,โรค,ดี,เสีย",
    "cp1254": "çiçek,ağaç,kuş,sağlıklı,kırmızı,yaprak çürüğü,mavi şişe,kağıt,klasör,köpek balığı,üzüm,İyi,kötü",
    "cp857": "çiçek,ağaç,kuş,sağlıklı,kırmızı,yaprak çürüğü,mavi şişe,kağıt,klasör,köpek balığı,üzüm,İyi,kötü",
    "cp1250": "kočka,želva,tučňák,liška,zdravý,nemocný,červená,modrá,růže,kůň,žaba",
    "cp852": "kočka,želva,tučňák,liška,zdravý,nemocný,červená,modrá,růže,kůň,žaba",
    "cp437": "Äpfel,Bäume,Schäden,Käse,Brötchen,Frühling,Öl,Schlüssel,Tür,Fuß,café,été,garçon,niño,perro "
    "pequeño,señal,Ärger,Übung,Müll,Gemüse",
    "cp850": "Äpfel,Bäume,maçã,limão,não,avião,Brød,Æble,Øre,Mädchen,chêne,forêt,São Paulo,coração",
    "cp1252": (
        "Äpfel,Bäume,maçã,limão,não,avião,Brød,Æble,Øre,chêne,forêt,Fußball,Müll,señal,été,hiver é,garçon,Größe"
    ),
}


@pytest.mark.parametrize("page", TWO_AT_A_TIME)
def test_two_classes_are_enough_to_tell_the_page_nearly_always(page: str) -> None:
    names = [name for name in TWO_AT_A_TIME[page].split(",") if name.encode(page, "replace").decode(page) == name]
    pairs = list(zip(names, names[1:] + names[:1], strict=True))
    right = [pair for pair in pairs if list(names_of(name.encode(page) for name in pair).values()) == list(pair)]
    assert len(right) >= 0.95 * len(pairs)
