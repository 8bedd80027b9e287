// What learning from rows and from pairs of rows have in common: the choice of model and rule, and
// whose work a row of the table is in a batch.
#pragma once

#include "fieldfare/fwfm.hpp"
#include "fieldfare/hofm.hpp"
#include "fieldfare/models.hpp"

namespace fieldfare::FIELDFARE_ISA {

// Copies of the code for usual lengths are worth their compile time for today's processors only:
// old ones are rare, and the plain twin is there to be compared with.
#if defined(__AVX2__) && !defined(FIELDFARE_PLAIN_SIMD)
inline constexpr bool has_lengths = true;
#else
inline constexpr bool has_lengths = false;
#endif

// Calls work.operator()<K>() for the length of the latent vectors, 0 for any multiple of eight.
template <class Work>
auto with_length(std::int64_t k, Work work) {
  if (k == 4) return work.template operator()<4>();
  if constexpr (has_lengths) {
    if (k == 8) return work.template operator()<8>();
    if (k == 16) return work.template operator()<16>();
  }
  return work.template operator()<0>();
}

// Calls work.operator()<Model>() for the model of a job.
template <class Work>
auto with_model(const TrainJob& job, Work work) {
  const std::int64_t k = job.layout->padded_factors;
  if (job.spec->kind == Kind::linear) return work.template operator()<Linear>();
  if (job.spec->kind == Kind::hofm) return work.template operator()<Hofm>();
  if (job.spec->kind == Kind::ffm) {
    if (k == 4) return work.template operator()<Ffm<4>>();
    if constexpr (has_lengths) {
      if (k == 8) return work.template operator()<Ffm<8>>();
    }
    return work.template operator()<Ffm<0>>();
  }
  if (job.spec->kind == Kind::fm) {
    return with_length(k, [&]<int K>() { return work.template operator()<Fm<K>>(); });
  }
  return with_length(k, [&]<int K>() { return work.template operator()<FwFm<K>>(); });
}

// Calls work.operator()<Rule>() for the rule of a job.
template <class Work>
auto with_rule(const Spec& spec, Work work) {
  if (spec.rule == Rule::adagrad) return work.template operator()<AdaGrad>();
  if (spec.rule == Rule::rowwise_adagrad) return work.template operator()<RowwiseAdaGrad>();
  if (spec.rule == Rule::sgd) return work.template operator()<Sgd>();
  return work.template operator()<Ftrl>();
}

// A model that remembers the sample of a slot.
template <class Model>
FIELDFARE_INLINE Model model_in_slot(const TrainJob& job, std::int64_t slot) {
  return Model(job, job.work.sums + slot * sum_floats(*job.spec, job.longest),
               job.work.fields + slot * field_ints(*job.spec, job.longest));
}

}  // namespace fieldfare::FIELDFARE_ISA
