"""Texts that tokenizers get wrong, and those that the tiny ones are trained on."""

import json

HARD = [
    "", " ", "  ", "   ", "       ", "\n", "\r\n", "\n\n\n", " \n \t ", "\t", "a", " a", "a ", "  a  b   c    ",
    "The quick brown fox jumps over the lazy dog.", "THE QUICK BROWN FOX", "I'm sure they'd say we've won, isn't it?",
    "I'M SURE THEY'D SAY WE'VE", "don’t ‘quote’ “me” — or… else", "O'Neill's 'tis 'S 'Ve",
    "0", "12", "123", "1234567890", "3.14159e-10, 1_000, 0x1F, 10^6", "１２３ ٣٤٥ ²³¹ ½ Ⅷ", "a1b22c333d4444",
    "é ë ñ ü ø ß œ", "e\u0301 n\u0303 A\u030a", "\u1e69 \u0073\u0323\u0307 s\u0307\u0323", "\u212b \u2126 ﬁ ﬀ",
    "naïve café, crème brûlée, Führer, Ærøskøbing", "Đặng Thị ộ", "Привет, мир! Ё ё й", "γνῶθι σεαυτόν", "שלום עולם",
    "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "中文，标点。漢字かな交じり文", "東京タワー333m", "ｶﾀｶﾅ 　ideographic　space",
    "안녕하세요 \u1100\u1161\u11a8", "😀🤖🫠", "👩🏽\u200d💻 👨\u200d👩\u200d👧 🇩🇪", "✅✔️❌ ™®© →←↑↓ ∑∫√∞≈", "𠀀𠮷 𝔢𝔩 \U000e0001",
    "a\u00a0b\u2028c\u2029d\u0085e\u200bf\ufeffg\u00adh", "\u0000\u0001\u001b[31mred\u001b[0m\u007f\u0080",
    "def f(x):\n    return x**2  # square\n\n\tprint(f(3))\r\n", "#include <vector>\n\nint main() { return 0; }",
    "<!-- c --> a->b::c<d>() && !e || ~f ^ g % h", "!!!??? ... ,,, ;;; ::: /////", "https://example.org/a_b?c=d&e=%20#f",
    "<|endoftext|>", "a<|endoftext|> b <|endoftext|><|endoftext|>", "<s>a</s> <unk> <s> b</s>c", "<0x41><0xE4><0x00>",
    "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n", "<｜begin▁of▁sentence｜>a<｜end▁of▁sentence｜>", "▁ ▁a a▁b", "Ġ Ċ Ġa",
    "mask<mask>mask", "a <mask> b", "a\u3000<mask>\u00a0b", "<mask>  <mask>", "word word_ wordy \u203fword ²word word² sword word",
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "This sentence : \"a cat.\" means in one word:\"",
]

UNICODE = [
    "naïve café, crème brûlée à la carte, Ærøskøbing, Đặng Thị", "Привет, мир! Это текст на русском языке.", "γνῶθι σεαυτόν, εὕρηκα",
    "中文，标点。这是一个句子。", "漢字かな交じり文、東京タワー", "안녕하세요 세계", "नमस्ते दुनिया", "مرحبا بالعالم", "שלום עולם", "😀 🤖 → ← ≈ ∑",
]


def training_texts(root):
    with open(f"{root}/data/calibration/openstax.jsonl", encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines] + UNICODE * 20
