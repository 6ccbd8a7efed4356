/// An absolute temperature.
public struct Kelvin: Sendable, Hashable, Comparable {
    public var value: Double

    public init(_ value: Double) { self.value = value }
    public init(celsius: Double) { value = celsius + 273.15 }

    public var celsius: Double { value - 273.15 }

    public static func < (a: Kelvin, b: Kelvin) -> Bool { a.value < b.value }
}
