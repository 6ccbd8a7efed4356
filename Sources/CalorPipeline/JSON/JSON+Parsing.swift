import Foundation

extension JSON {
    /// The value of one line; nil when it is not valid JSON.
    public init?(parsing line: some Sequence<UInt8>) {
        guard let value = try? JSONSerialization.jsonObject(with: Data(line)) else { return nil }
        self.init(value)
    }

    private init?(_ value: Any) {
        switch value {
        case let value as String: self = .text(value)
        case let value as NSNumber:
            if CFBooleanLike.isBoolean(value) {
                self = .flag(value.boolValue)
            } else if let whole = Int(exactly: value.doubleValue) {
                self = .integer(whole)
            } else {
                // A long number is decimal inside, and its `doubleValue` is not always the nearest.
                self = .number(Double(value.stringValue) ?? value.doubleValue)
            }
        case let value as [Any]:
            var list: [JSON] = []
            for item in value {
                guard let item = JSON(item) else { return nil }
                list.append(item)
            }
            self = .list(list)
        case let value as [String: Any]:
            var members: [Member] = []
            for (key, item) in value.sorted(by: { $0.key < $1.key }) {
                guard let item = JSON(item) else { return nil }
                members.append(Member(key, item))
            }
            self = .object(members)
        case is NSNull: self = .null
        default: return nil
        }
    }
}

/// Foundation hands out booleans as numbers; their Objective-C type tells them apart.
private enum CFBooleanLike {
    static func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}
