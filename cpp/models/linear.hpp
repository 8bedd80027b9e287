// The linear model, such as logistic regression.
#pragma once

#include "gradient/rules.hpp"
#include "gradient/stage.hpp"
#include "models/model.hpp"
#include "models/weigh.hpp"
#include "scoring/sample.hpp"

namespace fieldfare::FIELDFARE_ISA {

struct LinearTraining : TrainingPolicy {
  const Spec& spec;
  const Layout& layout;
  float* const* padding_rows;

  LinearTraining(const TrainJob& job, float*, std::int32_t*)
      : spec(*job.spec), layout(*job.layout), padding_rows(job.work.padding_rows) {}

  FIELDFARE_INLINE float score(const Staged& sample, std::int64_t c) const {
    return spec.linear ? weigh(sample, c * layout.output_stride + layout.weight) : 0;
  }

  template <class Rule>
  FIELDFARE_INLINE void update(const Staged& sample, std::int64_t c, float g,
                               const Fetch& fetch) const {
    if (!spec.linear) return;
    const Rates rates = spec.weights;
    const std::int64_t at = c * layout.output_stride + layout.weight;
    const Layout shape = layout;
    const auto learn = [&]<bool Full>(float* const* rows, const float* x) FIELDFARE_INLINE_LAMBDA {
      move_weights<Rule>(rows, at, shape, broadcast<4>(g) * load<4>(x), rates);
    };
    in_fours(sample, padding_rows, fetch, learn);
  }
};

struct LinearScoring {
  explicit LinearScoring(const ScoreJob&) {}
  void keep(const Sample&, std::int64_t) {}
  FIELDFARE_INLINE float of(const Sample&, std::int64_t, float) { return 0; }
};

struct Linear : ModelDefaults {
  static constexpr const char* name = "linear";
  static constexpr bool has_factors = false;
  using Scoring = LinearScoring;

  static FactorLayout factors(const Spec& /*spec*/) { return {}; }
  static std::int64_t sum_floats(const Spec& /*spec*/, std::int64_t /*longest*/) { return 0; }

  template <class Work>
  static auto with_training(std::int64_t /*k*/, Work work) {
    return work.template operator()<LinearTraining>();
  }
};

}  // namespace fieldfare::FIELDFARE_ISA
