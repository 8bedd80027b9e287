// The training kernels: one run over samples for every (model, rule). Compiled once per instruction
// set, under the namespace FIELDFARE_ISA.
#include <cmath>

#include "gradient/rules.hpp"
#include "gradient/stage.hpp"
#include "isa/kernels.hpp"
#include "models/kinds.hpp"

namespace fieldfare::FIELDFARE_ISA {

namespace {

// Turns scores into d loss / d score in place and returns the loss.
FIELDFARE_INLINE double loss_of(Loss loss, float* score, std::int64_t n_outputs, float target) {
  if (loss == Loss::squared) {
    // The gradient is half the derivative, as usual: the factor 2 belongs to the learning rate.
    const float error = score[0] - target;
    score[0] = error;
    return static_cast<double>(error) * error;
  }
  if (loss == Loss::logistic) {
    const float z = score[0];
    const float e = std::exp(-std::fabs(z));
    const float p = (z >= 0 ? 1.0F : e) / (1.0F + e);
    score[0] = p - target;
    // The loss is only reported, so an error of one in 10^7 does not matter; log1p would take three
    // times as long.
    return static_cast<double>(std::log(1 + e)) + (z > 0 ? z : 0.0F) - target * z;
  }
  float largest = score[0];
  for (std::int64_t c = 1; c < n_outputs; ++c) largest = score[c] > largest ? score[c] : largest;
  const auto hit = static_cast<std::int64_t>(target);
  const float hit_score = score[hit];
  float total = 0;
  for (std::int64_t c = 0; c < n_outputs; ++c) {
    score[c] = std::exp(score[c] - largest);
    total += score[c];
  }
  for (std::int64_t c = 0; c < n_outputs; ++c) score[c] /= total;
  score[hit] -= 1;
  return static_cast<double>(std::log(total)) + largest - hit_score;
}

// The weight of a row's sample; 0 means that it is skipped.
FIELDFARE_INLINE float weight_of(const TrainJob& job, std::int64_t row) {
  const float weight = job.rows->weight == nullptr ? 1.0F : job.rows->weight[row];
  if (job.class_weight == nullptr) return weight;
  return weight * job.class_weight[static_cast<std::int64_t>(job.rows->target[row])];
}

// Scores a sample and returns its loss; `score` then holds d loss / d score.
template <class Training>
FIELDFARE_INLINE double slopes(const TrainJob& job, Training& model, const Staged& sample,
                               std::int64_t row, float weight, float* score) {
  const Spec& spec = *job.spec;
  for (std::int64_t c = 0; c < spec.n_outputs; ++c) {
    score[c] = job.shared[c * job.layout->shared] + model.score(sample, c);
  }
  const double loss = loss_of(spec.loss, score, spec.n_outputs, job.rows->target[row]);
  for (std::int64_t c = 0; c < spec.n_outputs; ++c) score[c] *= weight;
  return weight * loss;
}

template <class Model, class Rule, class Training>
FIELDFARE_INLINE void move_shared(const TrainJob& job, const Training& model, const float* slope) {
  for (std::int64_t c = 0; c < job.spec->n_outputs; ++c) {
    float* bias = job.shared + c * job.layout->shared;
    if (job.spec->intercept) Rule::scalar(bias, bias + 1, slope[c], job.spec->bias);
    if constexpr (Model::has_pair_weights) model.template move_pair_weights<Rule>(c, slope[c]);
  }
}

// Sample after sample, each learned from before the next is scored.
template <class Model, class Training, class Rule>
Outcome epoch(const TrainJob& job) {
  const std::int64_t slots = job.ahead + 1;
  Stage<Model> stage(job);
  Training model(job, job.work.sums, job.work.fields);
  Outcome outcome;
  std::int64_t staged = job.begin, filled = 0, used = 0;
  for (std::int64_t at = job.begin; at < job.end; ++at) {
    for (; staged < job.end && staged <= at + job.ahead; ++staged) {
      stage.fetch(staged + 8);
      if (!stage.fill(job.order[staged], filled)) {
        outcome.bad_row = job.order[staged];
        return outcome;
      }
      filled = filled + 1 == slots ? 0 : filled + 1;
    }
    const std::int64_t row = job.order[at];
    const Staged sample = stage.at(row, used);
    used = used + 1 == slots ? 0 : used + 1;
    Fetch fetch;  // for the sample staged last, while there are any
    if (staged < job.end) {
      fetch = stage.fetch_of(stage.at(job.order[staged - 1], filled == 0 ? slots - 1 : filled - 1));
    }
    const float weight = weight_of(job, row);
    if (weight == 0) continue;
    if constexpr (Training::fetches_lines) model.coming = LineFetch(fetch);
    outcome.loss += slopes(job, model, sample, row, weight, job.work.score);
    outcome.weight += weight;
    move_shared<Model, Rule>(job, model, job.work.score);
    for (std::int64_t c = 0; c < job.spec->n_outputs; ++c) {
      model.template update<Rule>(sample, c, job.work.score[c], c == 0 ? fetch : Fetch{});
    }
    for (std::int64_t i = sample.n; i < fetch.n; ++i) fetch(i);
  }
  return outcome;
}

}  // namespace

Outcome train_rows(const TrainJob& job) {
  return with_model(*job.spec, [&]<class Model>() {
    return Model::with_training(job.layout->padded_factors, [&]<class Training>() {
      return with_rule(*job.spec, [&]<class Rule>() {
        return epoch<Model, typename AloneOf<Training>::Policy, Rule>(job);
      });
    });
  });
}

}  // namespace fieldfare::FIELDFARE_ISA
