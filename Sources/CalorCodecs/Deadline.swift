import CalorBase

/// The end of the time that a file may take.
struct Deadline {
    private let end: ContinuousClock.Instant
    private let seconds: Int

    init(_ limits: Limits) {
        seconds = limits.seconds
        end = .now + .seconds(limits.seconds)
    }

    func check() throws(CodecFault) {
        if ContinuousClock.now > end { throw .limit(name: "seconds", "decoding takes more than \(seconds) s") }
    }
}
