// A checksum of bytes at the speed of memory, by which data are recognised. It detects accidental
// changes but does not resist forgery.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "common/golden.hpp"

namespace fieldfare {

// Eight lanes of 64 bits take turns over the words of the data, so that many multiplications run at
// once. One step, lane = rotate(lane ^ word * odd) * odd, loses no information: data of the same
// length that differ in one word always differ in their lanes. The first product turns a flipped
// bit into many, which no second flipped bit can undo. The rotation brings down the high bits,
// which a product only pushes out.
class Checksum {
 public:
  Checksum() {
    for (std::size_t i = 0; i < kLanes; ++i) lanes_[i] = golden_64 * (i + 1);
  }

  void update(const unsigned char* data, std::size_t size) {
    length_ += size;
    if (held_ != 0) {
      const std::size_t n = size < kStripe - held_ ? size : kStripe - held_;
      std::memcpy(rest_.data() + held_, data, n);
      held_ += n;
      data += n;
      size -= n;
      if (held_ < kStripe) return;
      stripes(rest_.data(), 1);
      held_ = 0;
    }
    stripes(data, size / kStripe);
    held_ = size % kStripe;
    if (held_ != 0) std::memcpy(rest_.data(), data + size - held_, held_);
  }

  // 128 bits over all bytes so far.
  std::array<std::uint64_t, 2> digest() const {
    Checksum last = *this;
    if (held_ != 0) {
      std::memset(last.rest_.data() + held_, 0, kStripe - held_);
      last.stripes(last.rest_.data(), 1);
    }
    std::array<std::uint64_t, 2> sum = {length_, ~length_};
    for (std::size_t i = 0; i < kLanes; ++i) {
      sum[0] = mixed(sum[0] ^ last.lanes_[i]);
      sum[1] = mixed(sum[1] + std::rotl(last.lanes_[i], 32));
    }
    return sum;
  }

 private:
  static constexpr std::size_t kLanes = 8;
  static constexpr std::size_t kStripe = 8 * kLanes;
  static constexpr std::uint64_t kOdd = 0xd6e8feb86659fd93;

  // The 64-bit finaliser of MurmurHash3.
  static std::uint64_t mixed(std::uint64_t x) {
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccd;
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53;
    return x ^ (x >> 33);
  }

  void stripes(const unsigned char* data, std::size_t n) {
    std::array<std::uint64_t, kLanes> lanes = lanes_;  // in registers
    for (const unsigned char* const end = data + n * kStripe; data != end; data += kStripe) {
      for (std::size_t i = 0; i < kLanes; ++i) {
        std::uint64_t word = 0;
        std::memcpy(&word, data + 8 * i, 8);
        if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
        lanes[i] = std::rotl(lanes[i] ^ (word * kOdd), 29) * golden_64;
      }
    }
    lanes_ = lanes;
  }

  std::array<std::uint64_t, kLanes> lanes_{};
  std::array<unsigned char, kStripe> rest_{};
  std::size_t held_ = 0;
  std::uint64_t length_ = 0;
};

}  // namespace fieldfare
