// Control points of our own, chosen by eye on infrared scenes; the names are those that camera users know.

extension Palette {
    /// Every palette, in the order in which help lists them.
    public static let all: [Palette] = [
        Palette("white-hot", "hot is white; the most detail", [(0, 0x000000), (1, 0xFFFFFF)]),
        Palette("black-hot", "hot is black; people at night", [(0, 0xFFFFFF), (1, 0x000000)]),
        Palette(
            "ironbow", "blue, magenta, orange, white; general use",
            [
                (0, 0x00000A), (0.12, 0x1C0A6E), (0.3, 0x7A0F9E), (0.48, 0xC8286E), (0.64, 0xEA5F1E), (0.82, 0xFBB016),
                (0.94, 0xFFEE7A), (1, 0xFFFFF2),
            ]),
        Palette(
            "rainbow", "blue to red through green; shows small differences",
            [
                (0, 0x0A0A78), (0.16, 0x1446DC), (0.33, 0x14B4DC), (0.5, 0x28C850), (0.67, 0xE6E628), (0.84, 0xF07814),
                (1, 0xC8141E),
            ]),
        Palette(
            "rainbow-hc", "rainbow with black and white ends and greater contrast",
            [
                (0, 0x000000), (0.1, 0x3C0078), (0.22, 0x1E28E6), (0.36, 0x00BEE6), (0.5, 0x0AC83C), (0.63, 0xF0F01E),
                (0.77, 0xFA6E0A), (0.9, 0xE60A32), (1, 0xFFFFFF),
            ]),
        Palette(
            "arctic", "cold blues, hot golds; heat against a cold background",
            [(0, 0x050A3C), (0.25, 0x145AC8), (0.45, 0x6EBEE6), (0.55, 0xBEC8BE), (0.75, 0xE6A03C), (1, 0xFFF0B4)]),
        Palette(
            "lava", "deep blue through red to yellow",
            [
                (0, 0x000014), (0.2, 0x0F2D5A), (0.4, 0x5A1450), (0.6, 0xB41E28), (0.8, 0xF06414), (0.93, 0xFFD23C),
                (1, 0xFFFFC8),
            ]),
        Palette(
            "ember", "black, violet, red, yellow with evenly rising lightness",
            [(0, 0x020108), (0.2, 0x2A0F54), (0.4, 0x781C6D), (0.6, 0xC43A4E), (0.8, 0xF37F1F), (0.93, 0xF8CE3C), (1, 0xFAFCA8)]),
        Palette(
            "glowbow", "black, dark red, orange, white; fires",
            [(0, 0x000000), (0.3, 0x5A0A05), (0.55, 0xBE3205), (0.78, 0xFA9614), (0.92, 0xFFE182), (1, 0xFFFFFF)]),
        Palette("sepia", "brown tones; long watches", [(0, 0x0A0502), (0.35, 0x5A3719), (0.7, 0xBE8C50), (1, 0xFFEBCD)]),
        Palette(
            "medical", "many hues with dark gaps; body temperature",
            [
                (0, 0x000000), (0.14, 0x321E96), (0.28, 0x1E82DC), (0.42, 0x14BE8C), (0.56, 0x82DC28), (0.7, 0xFADC1E),
                (0.84, 0xF0501E), (0.94, 0xDC2896), (1, 0xFFE6FA),
            ]),
        Palette(
            "grey-red", "grey picture, only the hottest part red",
            [(0, 0x000000), (0.78, 0xD2D2D2), (0.8, 0xD25A3C), (1, 0xFF0A0A)]),
        Palette(
            "isotherm-green", "grey picture with a green band in the upper middle",
            [(0, 0x000000), (0.62, 0x9E9E9E), (0.64, 0x14B43C), (0.74, 0x3CFA64), (0.76, 0xC2C2C2), (1, 0xFFFFFF)]),
        Palette("night-green", "green phosphor; keeps eyes adapted to the dark", [(0, 0x000A00), (0.6, 0x1EAA32), (1, 0xC8FFC8)]),
    ]
}
