#pragma once

#include <cstdint>

#include "common/golden.hpp"

namespace fieldfare {

// The rows of frequent features, private to a thread for a while: if the threads took turns in
// writing them, the few cache lines that hold them would travel between the cores all the time.
// Direct-mapped: the only feature that can be at home in a bucket is ids[bucket].
struct HotRows {
  static constexpr int bits = 12;
  static constexpr std::int64_t buckets = std::int64_t{1} << bits;
  static constexpr std::uint32_t bucket(std::uint32_t id) {
    return (id * golden_32) >> (32 - bits);
  }

  const std::uint32_t* ids = nullptr;  // [buckets], or null: no row is private
  float* rows = nullptr;               // [buckets, layout.stride]
};

}  // namespace fieldfare
