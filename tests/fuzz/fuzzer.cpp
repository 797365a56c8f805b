// One libFuzzer program for each entry: FUZZ_ENTRY is its name.

#include <cstddef>
#include <cstdint>

#include "fuzz/entries.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    lxcri::fuzz::FUZZ_ENTRY({reinterpret_cast<const char*>(data), size});
    return 0;
}
