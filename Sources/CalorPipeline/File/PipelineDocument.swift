/// A pipeline file as it is written: names and values with their places, nothing looked up yet.
public struct PipelineDocument: Sendable {
    public struct Input: Sendable {
        public var id: String
        public var kind: ImageKind
        /// Which files belong to this input, where a pipeline has two.
        public var match: MatchPattern?
        /// Which of the pictures in a radiometric file it takes.
        public var radiometric = RadiometricUse.auto
        public var place: Place
    }

    public struct Stage: Sendable {
        public var id: String
        public var use: String
        public var usePlace: Place
        /// The stage or input it takes; nil stands for the one before it.
        public var from: String?
        public var parameters: [Setting]
        public var place: Place
    }

    /// One key and its value inside a stage.
    public struct Setting: Sendable {
        public var name: String
        public var value: Value
        public var place: Place

        public enum Value: Sendable, Equatable {
            case scalar(String)
            case group([Setting])
        }
    }

    public struct Output: Sendable {
        public var from: String?
        public var template: String
        public var place: Place
    }

    public var file: String
    public var name: String
    public var inputs: [Input]
    public var stages: [Stage]
    public var outputs: [Output]
}

extension PipelineDocument.Setting: Equatable {
    public static func == (a: Self, b: Self) -> Bool { a.name == b.name && a.value == b.value }
}

/// What an input is declared to hold.
public enum ImageKind: String, Sendable, CaseIterable {
    /// Counts, kelvin or display grey of an infrared camera.
    case infrared
    case rgb
}
