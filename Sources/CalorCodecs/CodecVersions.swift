import CCalorJPEG
import CCalorPNG
import CCalorTIFF

/// The libraries that read and write files, with the versions that this process has loaded.
public enum CodecVersions {
    public static var all: [(name: String, version: String)] {
        [
            ("libpng", String(cString: calorPNGVersion())),
            ("libjpeg-turbo", String(cString: calorJPEGVersion())),
            // libtiff's text goes on with a line of copyright.
            ("libtiff", String(String(cString: calorTIFFVersion()).prefix { $0 != "\n" })),
        ]
    }
}
