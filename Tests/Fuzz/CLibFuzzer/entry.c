#include "CLibFuzzer.h"

// The library brings a main function of its own that refers to this name. Ours is used, but the linker wants to see it.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    (void)data;
    (void)size;
    return 0;
}
