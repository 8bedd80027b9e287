#pragma once

#include <cstdint>

#include "common/golden.hpp"

namespace fieldfare {

// Copies of the rows of frequent features, private to a thread for a while. If the threads took
// turns writing to these rows, their few cache lines would travel between the cores all the time.
// Direct-mapped: the only feature that a bucket can hold is ids[bucket].
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
