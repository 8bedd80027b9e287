// Counter-based random numbers: each is a function of its key and number alone, so that a draw does
// not depend on earlier draws or on the thread that makes it.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>

#include "common/golden.hpp"

namespace fieldfare {

inline std::uint64_t mix(std::uint64_t x) {  // SplitMix64 (Steele, Lea & Flood 2014)
  x += golden_64;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

struct Draws {
  std::uint64_t key = 0;

  Draws sub(std::uint64_t part) const { return {mix(key ^ mix(part))}; }

  // Uniform in the open interval (0, 1).
  double uniform(std::uint64_t number) const {
    return (static_cast<double>(mix(key + number) >> 11U) + 0.5) * 0x1p-53;
  }

  // Standard normal (Box & Muller 1958), from the uniforms 2 number and 2 number + 1.
  double normal(std::uint64_t number) const {
    const double radius = std::sqrt(-2 * std::log(uniform(2 * number)));
    return radius * std::cos(2 * std::numbers::pi * uniform(2 * number + 1));
  }
};

// Puts n < 2^32 numbers into a random order (Durstenfeld 1964).
inline void shuffle(std::int64_t* x, std::int64_t n, Draws draws) {
  for (std::int64_t left = n; left > 1; --left) {
    const std::uint64_t upper = mix(draws.key + static_cast<std::uint64_t>(left)) >> 32U;
    std::swap(x[left - 1], x[(upper * static_cast<std::uint64_t>(left)) >> 32U]);
  }
}

}  // namespace fieldfare
