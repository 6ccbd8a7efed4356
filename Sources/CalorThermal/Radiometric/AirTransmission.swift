import CalorBase
import CalorImage

/// How much of the radiation a layer of air lets through.
///
/// *Source*: W. Minkina and S. Dudzik, "Infrared Thermography: Errors and Uncertainties", 2009, and the cameras' own constants:
/// τ = X · exp(−√d · (α1 + β1 √ω)) + (1 − X) · exp(−√d · (α2 + β2 √ω)), with ω the water in the air,
/// ω = humidity · exp(1.5587 + 0.06939 t − 0.00027816 t² + 0.00000068455 t³), t in °C.
struct AirTransmission {
    let constants: Radiometry.Atmosphere
    let waterRoot: Double

    init(_ constants: Radiometry.Atmosphere, air: Kelvin, relativeHumidity: Double) {
        self.constants = constants
        let t = air.celsius
        let saturation = exponential(1.5587 + 0.06939 * t - 0.00027816 * t * t + 0.00000068455 * t * t * t)
        waterRoot = (relativeHumidity * saturation).squareRoot()
    }

    func share(metres: Double) -> Double {
        let root = metres.squareRoot()
        let first = exponential(-root * (constants.alpha1 + constants.beta1 * waterRoot))
        let second = exponential(-root * (constants.alpha2 + constants.beta2 * waterRoot))
        return constants.x * first + (1 - constants.x) * second
    }
}
