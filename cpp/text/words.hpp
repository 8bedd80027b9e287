// A hash table from words, which lie one after another in memory, to their positions.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "common/golden.hpp"

namespace fieldfare {

// Word i is the bytes from `offsets[i]` to `offsets[i + 1]` of the text.
template <class Offset>
struct Texts {
  const unsigned char* bytes;
  const Offset* offsets;
  std::size_t n;
};

// Finds words by content. The words themselves belong to the caller and must outlive the table,
// which holds a few bits of each word's hash beside its position, so that a word is read only to
// confirm what is all but certain.
class Words {
 public:
  explicit Words(const Texts<std::int64_t>& known)
      : known_(known), slots_(std::bit_ceil(2 * known.n + 1)), mask_(slots_.size() - 1) {
    for (std::size_t i = 0; i < known.n; ++i) {
      const unsigned char* const word = known.bytes + known.offsets[i];
      const auto size = static_cast<std::size_t>(known.offsets[i + 1] - known.offsets[i]);
      const std::uint64_t h = hash(word, size);
      if (Slot* const slot = probe(h, word, size); slot->next == 0) {
        *slot = {tag(h), static_cast<std::uint32_t>(i + 1)};
      }
    }
  }

  // Writes the position of each text among the known words; -1 if it is not one of them.
  template <class Offset>
  void find(const Texts<Offset>& texts, std::int64_t* out) const {
    // The slots of a block are prefetched before any of them is used, since in a large table each
    // of them is a cache miss.
    std::array<std::uint64_t, kBlock> hashes{};
    for (std::size_t start = 0; start < texts.n; start += kBlock) {
      const std::size_t stop = start + kBlock < texts.n ? start + kBlock : texts.n;
      for (std::size_t i = start; i < stop; ++i) {
        const std::uint64_t h = hash(texts.bytes + texts.offsets[i], size_of(texts, i));
        hashes[i - start] = h;
        __builtin_prefetch(&slots_[h & mask_]);
      }
      for (std::size_t i = start; i < stop; ++i) {
        const Slot* const slot =
            probe(hashes[i - start], texts.bytes + texts.offsets[i], size_of(texts, i));
        out[i] = static_cast<std::int64_t>(slot->next) - 1;
      }
    }
  }

 private:
  // `next` is one more than the word's position, 0 in an empty slot.
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t next = 0;
  };
  static constexpr std::size_t kBlock = 32;

  template <class Offset>
  static std::size_t size_of(const Texts<Offset>& texts, std::size_t i) {
    return static_cast<std::size_t>(texts.offsets[i + 1] - texts.offsets[i]);
  }

  static std::uint32_t tag(std::uint64_t h) { return static_cast<std::uint32_t>(h >> 32); }

  template <class T>
  static std::uint64_t read(const unsigned char* from) {
    T word = 0;
    std::memcpy(&word, from, sizeof word);
    return word;
  }

  static std::uint64_t stirred(std::uint64_t h, std::uint64_t word) {
    h = (h ^ word) * golden_64;
    return h ^ (h >> 32);
  }

  // Words of eight bytes, the last of which may overlap the one before it. Nothing but this table
  // sees these hashes, so they may differ between machines.
  static std::uint64_t hash(const unsigned char* word, std::size_t size) {
    std::uint64_t h = golden_64 * (size + 1);
    if (size >= 8) {
      for (std::size_t i = 0; i + 8 < size; i += 8) h = stirred(h, read<std::uint64_t>(word + i));
      h = stirred(h, read<std::uint64_t>(word + size - 8));
    } else if (size >= 4) {
      h = stirred(h, read<std::uint32_t>(word) | (read<std::uint32_t>(word + size - 4) << 32));
    } else if (size != 0) {
      h = stirred(h, word[0] | (std::uint64_t{word[size / 2]} << 8) |
                         (std::uint64_t{word[size - 1]} << 16));
    }
    return stirred(h, h >> 29);
  }

  // The slot that holds a word, or the empty one where it belongs: the table is never full.
  const Slot* probe(std::uint64_t h, const unsigned char* word, std::size_t size) const {
    for (std::size_t at = h & mask_;; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.next == 0 || (slot.tag == tag(h) && is(slot.next - 1, word, size))) return &slot;
    }
  }
  Slot* probe(std::uint64_t h, const unsigned char* word, std::size_t size) {
    return const_cast<Slot*>(static_cast<const Words*>(this)->probe(h, word, size));
  }

  bool is(std::size_t position, const unsigned char* word, std::size_t size) const {
    return size_of(known_, position) == size &&
           (size == 0 || std::memcmp(known_.bytes + known_.offsets[position], word, size) == 0);
  }

  Texts<std::int64_t> known_;
  std::vector<Slot> slots_;
  std::size_t mask_;
};

}  // namespace fieldfare
