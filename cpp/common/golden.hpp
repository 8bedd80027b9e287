// The multiplier of Fibonacci hashing: 2^b over the golden ratio, as an odd number. The high bits
// of a product with it depend on every bit of the other factor (Knuth 1998, section 6.4).
#pragma once

#include <cstdint>

namespace fieldfare {

inline constexpr std::uint32_t golden_32 = 0x9e3779b9;
inline constexpr std::uint64_t golden_64 = 0x9e3779b97f4a7c15;

}  // namespace fieldfare
