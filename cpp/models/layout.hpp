// The layout of the training table.
#pragma once

#include <cstdint>

#include "models/spec.hpp"

namespace fieldfare {

// The training table has one row per feature; weights and optimiser state lie side by side, so that
// a visit touches as few cache lines as possible. Offsets and strides count floats. One output's
// share of a row is: factors | state of the factors | weight | state of the weight. After those of
// all outputs stands the number by which the L2 penalties of the feature are multiplied.
struct Layout {
  std::int64_t stride = 0;          // from one feature to the next
  std::int64_t used = 0;            // floats of a row that mean something
  std::int64_t output_stride = 0;   // from one output to the next inside a row
  std::int64_t padded_factors = 0;  // n_factors rounded up to whole lanes; the padding stays zero
  std::int64_t blocks = 0;          // per feature: vectors of an FFM, factor blocks of an HOFM
  std::int64_t factor_state = 0;    // offset of the state of the factors
  std::int64_t weight = 0;          // offset of the linear weight
  std::int64_t penalty = 0;         // offset of what multiplies the L2 penalties
  std::int64_t slots = 0;           // state values per weight
  std::int64_t shared = 0;          // one output's shared parameters, each with its state
  // Of the rule: whether its state sums up squared gradients, and whether factors have state each.
  bool sums_squares = false, state_per_weight = false;
};

Layout layout_of(const Spec& spec);
std::int64_t padded_factors(std::int64_t n_factors);

inline std::int64_t round_up(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }
inline std::int64_t whole_fours(std::int64_t n) { return round_up(n, 4); }

// The most that training has to remember of a sample, in floats and (for its fields) in ints.
std::int64_t sum_floats(const Spec& spec, std::int64_t longest);
std::int64_t field_ints(const Spec& spec, std::int64_t longest);

}  // namespace fieldfare
