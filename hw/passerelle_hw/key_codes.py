"""Keys by the names and numbers of linux/input-event-codes.h, and what a US keyboard types."""

from __future__ import annotations

from typing import Final

#: What the keys type, in the order of their codes: the first code, plain, with shift.
_ROWS: Final = (
    (2, "1234567890-=", "!@#$%^&*()_+"),
    (16, "qwertyuiop[]", "QWERTYUIOP{}"),
    (30, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (43, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (55, "*", "*"),
    (57, " ", " "),
    (71, "789-456+1230.", "789-456+1230."),
    (98, "/", "/"),
)
#: Code to what it types, plain and with shift.
CHARACTERS: Final[dict[int, tuple[str, str]]] = {
    first + place: pair
    for first, plain, shifted in _ROWS
    for place, pair in enumerate(zip(plain, shifted, strict=True))
}
ENTER: Final = 28
TAB: Final = 15
KEYPAD_ENTER: Final = 96
SHIFTS: Final = frozenset({42, 54})

_NAMED: Final = {
    "KEY_ESC": 1, "KEY_BACKSPACE": 14, "KEY_TAB": TAB, "KEY_ENTER": ENTER, "KEY_LEFTCTRL": 29,
    "KEY_LEFTSHIFT": 42, "KEY_RIGHTSHIFT": 54, "KEY_LEFTALT": 56, "KEY_SPACE": 57,
    "KEY_CAPSLOCK": 58, "KEY_F11": 87, "KEY_F12": 88, "KEY_KPENTER": KEYPAD_ENTER,
    "KEY_RIGHTCTRL": 97, "KEY_RIGHTALT": 100, "KEY_HOME": 102, "KEY_UP": 103, "KEY_PAGEUP": 104,
    "KEY_LEFT": 105, "KEY_RIGHT": 106, "KEY_END": 107, "KEY_DOWN": 108, "KEY_PAGEDOWN": 109,
    "KEY_INSERT": 110, "KEY_DELETE": 111, "KEY_MUTE": 113, "KEY_VOLUMEDOWN": 114,
    "KEY_VOLUMEUP": 115, "KEY_PLAYPAUSE": 164, "KEY_CAMERA": 212, "BTN_LEFT": 272,
    "BTN_RIGHT": 273, "BTN_MIDDLE": 274, "BTN_TRIGGER": 288, "BTN_THUMB": 289,
}  # fmt: skip
_FIRST_FUNCTION: Final = 59  # F1 to F10
_FIRST_HIGH_FUNCTION: Final = 183  # F13 to F24
_KEYPAD: Final = range(71, 84)
_HIGHEST: Final = 0x2FF  # KEY_MAX

#: Name to code.
CODES: Final[dict[str, int]] = {
    **_NAMED,
    **{f"KEY_F{n}": _FIRST_FUNCTION + n - 1 for n in range(1, 11)},
    **{f"KEY_F{n}": _FIRST_HIGH_FUNCTION + n - 13 for n in range(13, 25)},
    **{
        f"KEY_{plain.upper()}": code
        for code, (plain, _) in CHARACTERS.items()
        if plain.isalnum() and code not in _KEYPAD
    },
    **{f"KEY_KP{CHARACTERS[code][0]}": code for code in _KEYPAD if CHARACTERS[code][0].isdigit()},
}


def code_of(key: str | int) -> int:
    """The code of a key by its name, as `evtest` shows it, or by its number.

    Raises:
        ValueError: There is no such key.
    """
    code = CODES.get(key.upper(), -1) if isinstance(key, str) else key
    if not 0 < code <= _HIGHEST:
        msg = f"{key}: no such key; `evtest` shows its name (KEY_F5) and its number"
        raise ValueError(msg)
    return code
