// What every kind of model provides; its header declares what differs from this.
//
//   name                   as Python knows it
//   with_training(k, work) calls work.operator()<Policy>() with the policy that trains it, for
//                          latent vectors of k floats in the table:
//     Policy(job, sums, fields)         with room for what it remembers of a sample
//     score(sample, c)                  <w, x> + interactions, of output c
//     update<Rule>(sample, c, g, fetch) with g = d loss / d score, after the `score` of the same
//                                       sample and output; calls fetch(i) for every i on the way
//     move_pair_weights<Rule>(c, g)     if it has pair weights
//     fetches_lines                     see TrainingPolicy, which policies derive from
//   Scoring                the policy that scores it:
//     Scoring(job)
//     keep(sample, c)      reads the context, which every later sample is joined with
//     of(sample, c, scale) the interactions of a sample whose values are multiplied by `scale`
//
// Policies copy rates and sizes before their loops: the compiler must assume that a store through a
// float pointer changes any other float.
#pragma once

#include <cstdint>

#include "isa/simd.hpp"
#include "models/layout.hpp"
#include "scoring/job.hpp"

namespace fieldfare::FIELDFARE_ISA {

// The factors of a feature, of one output, in a row of the training table.
struct FactorLayout {
  std::int64_t blocks = 0, padded = 0;
  std::int64_t floats = 0;
  std::int64_t groups = 0;  // sets of factors with one accumulator, by row-wise rules
};

struct ModelDefaults {
  static constexpr bool has_factors = true;
  static constexpr bool uses_fields = false;
  static constexpr bool has_vector_per_field = false;
  static constexpr bool has_orders = false;
  static constexpr bool has_pair_weights = false;

  static FactorLayout factors(const Spec& spec) {
    const std::int64_t padded = padded_factors(spec.n_factors);
    return {1, padded, padded, 1};
  }

  // Floats that training remembers of a sample with so many entries.
  static std::int64_t sum_floats(const Spec& spec, std::int64_t /*longest*/) {
    return spec.n_outputs * padded_factors(spec.n_factors);
  }

  // Floats that scoring keeps of a context of n entries, and that it needs for one row of at most
  // `longest`, which may be the context.
  static std::int64_t context_floats(const ScoreJob& /*job*/, std::int64_t /*n*/) { return 0; }
  static std::int64_t row_floats(const ScoreJob& /*job*/, std::int64_t /*longest*/,
                                 std::int64_t /*of_context*/) {
    return 0;
  }
};

// Whether a training policy asks for rows line by line, by its member `coming`.
struct TrainingPolicy {
  static constexpr bool fetches_lines = false;
};

// The policy to use instead if the rows of a sample do not change between score and update.
template <class Training>
struct AloneOf {
  using Policy = Training;
};

// Copies of the code for common lengths are worth their compile time only for today's processors:
// older ones are rare, and the plain twin only serves for comparison.
#if defined(__AVX2__) && !defined(FIELDFARE_PLAIN_SIMD)
inline constexpr bool has_lengths = true;
#else
inline constexpr bool has_lengths = false;
#endif

// Calls work.operator()<K>() for the length of the latent vectors if it is among those given, else
// with 0, which stands for any multiple of eight.
template <int Length, int... More, class Work>
auto with_length(std::int64_t k, Work work) {
  if (k == Length) return work.template operator()<Length>();
  if constexpr (has_lengths && sizeof...(More) > 0) return with_length<More...>(k, work);
  return work.template operator()<0>();
}

}  // namespace fieldfare::FIELDFARE_ISA
