"""Of which words are the example's names, titles and sentences made?"""

from __future__ import annotations

from datetime import date

CLASSICS: tuple[tuple[str, str, date, tuple[str, ...]], ...] = (
    ("Jane Austen", "GB", date(1775, 12, 16), ("Pride and Prejudice", "Sense and Sensibility", "Emma", "Persuasion")),
    ("Herman Melville", "US", date(1819, 8, 1), ("Moby-Dick", "Bartleby, the Scrivener")),
    ("Mary Shelley", "GB", date(1797, 8, 30), ("Frankenstein", "The Last Man")),
    ("Miguel de Cervantes", "ES", date(1547, 9, 29), ("Don Quixote",)),
    ("Émile Zola", "FR", date(1840, 4, 2), ("Germinal", "Thérèse Raquin", "Au Bonheur des Dames")),
    ("Theodor Fontane", "DE", date(1819, 12, 30), ("Effi Briest", "Der Stechlin")),
    ("Лев Толстой", "RU", date(1828, 9, 9), ("Война и мир", "Анна Каренина")),
    ("紫式部", "JP", date(973, 1, 1), ("源氏物語",)),
    ("George Eliot", "GB", date(1819, 11, 22), ("Middlemarch", "Silas Marner")),
    ("Machado de Assis", "BR", date(1839, 6, 21), ("Dom Casmurro", "Quincas Borba")),
)
"""Name, country, birthday and titles; they are the first authors and the first books."""

# fmt: off
FIRST_NAMES = (
    "Ada", "Amir", "Anna", "Aoife", "Bela", "Chen", "Clara", "Dmitri", "Edda", "Elif", "Emeka", "Farah", "Grace",
    "Hugo", "Ines", "Ivan", "Jonas", "Kofi", "Lena", "Lin", "Mara", "Mateo", "Mina", "Nadia", "Noah", "Olga",
    "Omar", "Pia", "Ravi", "Rosa", "Sami", "Sofia", "Tariq", "Una", "Vera", "Wim", "Yara", "Zoe",
)
LAST_NAMES = (
    "Abara", "Bauer", "Brandt", "Castro", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ito", "Jansen",
    "Kaya", "Keller", "Kowalski", "Lind", "Marino", "Mensah", "Moreau", "Nagy", "Novak", "Okafor", "Papas", "Patel",
    "Quinn", "Rossi", "Santos", "Sato", "Silva", "Stern", "Tanaka", "Ueda", "Vogel", "Weiss", "Yilmaz", "Zhou",
)
COUNTRIES = (
    "BR", "DE", "ES", "FR", "GB", "IN", "IT", "JP", "NG", "PL", "SE", "TR", "US",
)
LANGUAGES = (
    "de", "en", "es", "fr", "it", "ja", "pt", "ru",
)
AWARDS = (
    "Golden Quill", "Harbour Prize", "Lantern Award", "Northern Medal", "Readers' Choice",
)
TAGS = (
    "adventure", "art", "biography", "children", "classic", "comedy", "cookery", "crime", "drama", "essay",
    "fantasy", "gardening", "history", "horror", "journalism", "law", "love", "mathematics", "memoir", "music",
    "mystery", "nature", "novel", "philosophy", "physics", "poetry", "politics", "psychology", "religion",
    "science", "science fiction", "sea", "short stories", "sport", "technology", "theatre", "thriller", "travel",
    "war", "young adult",
)
ADJECTIVES = (
    "Blue", "Broken", "Burning", "Distant", "Early", "Empty", "Final", "Forgotten", "Frozen", "Golden", "Hidden",
    "Hollow", "Late", "Little", "Long", "Lost", "Narrow", "Open", "Patient", "Quiet", "Restless", "Salt", "Second",
    "Secret", "Silent", "Silver", "Slow", "Small", "Unfinished", "Wild",
)
NOUNS = (
    "Anchor", "Archive", "Bell", "Bridge", "Candle", "Clock", "Compass", "Door", "Engine", "Garden", "Harbour",
    "House", "Island", "Lamp", "Letter", "Lighthouse", "Map", "Mirror", "Mountain", "Orchard", "Pool", "River",
    "Road", "Shadow", "Signal", "Storm", "Stranger", "Tower", "Train", "Voyage",
)
PLACES = (
    "Aarhus", "Bergen", "Cádiz", "Dakar", "Essaouira", "Fez", "Galway", "Hanoi", "Izmir", "Jaipur", "Kyoto",
    "Lisbon", "Malmö", "Naples", "Odesa", "Porto", "Quito", "Riga", "Seville", "Trieste", "Utrecht", "Valparaíso",
    "Warsaw", "Xi'an", "Yerevan", "Zürich",
)
# fmt: on

TITLES = (
    "The {0} {1}",
    "{0} {1}s of {2}",
    "A {1} in {2}",
    "The {1} and the {0} Sea",
    "Letters from {2}",
    "Last {1} to {2}",
    "{0} Days in {2}",
    "The {1} Keeper",
    "What the {1} Knew",
    "{2}: A {0} History",
)

SENTENCES = (
    "It begins on a Tuesday, with rain.",
    "Nobody in the village had read the last page.",
    "The second half is slower, and better for it.",
    "A map is drawn, lost, and drawn again.",
    "Three sisters inherit a ferry.",
    "The narrator is not to be trusted with money.",
    "Every chapter is named after a wind.",
    "What was hidden in the archive was a recipe.",
    "The translation reads as if there had been no other.",
    "Read it by a window.",
    "The ending was argued about for years.",
    "A quiet book about loud people.",
    "One learns a good deal about clocks.",
    "The dog survives.",
    "It was written in forty days and it shows, pleasantly.",
    "Half the letters were never sent.",
)
