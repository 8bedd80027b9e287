// The training kernels: one epoch over samples for every (model, rule). Compiled once an
// instruction set, under the namespace FIELDFARE_ISA.
#include "fieldfare/kernels.hpp"

#include "fieldfare/models.hpp"

namespace fieldfare::FIELDFARE_ISA {

namespace {

constexpr std::int64_t cache_line = 16;  // floats

// Checks a row ahead of its use and asks for its part of the table.
FIELDFARE_INLINE bool stage(const TrainJob& job, std::int64_t row) {
  const Rows& rows = *job.rows;
  const Spec& spec = *job.spec;
  if (!row_in_bounds(rows, row) || !ids_in_bounds(rows, row, spec, job.n_features)) return false;
  const float y = rows.target[row];
  if (spec.loss == Loss::softmax && !(y >= 0 && y < static_cast<float>(spec.n_outputs))) {
    return false;
  }
  if (job.class_weight != nullptr && !(y >= 0 && y < static_cast<float>(job.n_classes))) {
    return false;
  }
  const std::int64_t begin = rows.indptr[row], end = rows.indptr[row + 1];
  // A sample of few fields reads few of an FFM row's blocks: fetching all would cost more.
  if (spec.kind == Kind::ffm && 2 * (end - begin) < spec.n_fields) return true;
  for (std::int64_t p = begin; p < end; ++p) {
    const float* row_start =
        job.table + static_cast<std::int64_t>(rows.indices[p]) * job.layout->stride;
    for (std::int64_t d = 0; d < job.layout->used; d += cache_line) {
      __builtin_prefetch(row_start + d, 1, 3);
    }
  }
  return true;
}

// Turns scores into d loss / d score in place and returns the loss.
FIELDFARE_INLINE double loss_of(Loss loss, float* score, std::int64_t n_outputs, float target) {
  if (loss == Loss::squared) {
    // The gradient is half the derivative, as is usual: the factor 2 belongs to the learning rate.
    const float error = score[0] - target;
    score[0] = error;
    return static_cast<double>(error) * error;
  }
  if (loss == Loss::logistic) {
    const float z = score[0];
    const float e = std::exp(-std::fabs(z));
    const float p = (z >= 0 ? 1.0F : e) / (1.0F + e);
    score[0] = p - target;
    return static_cast<double>(std::log1p(e)) + (z > 0 ? z : 0.0F) - target * z;
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

View view_of(const TrainJob& job) {
  const Layout& layout = *job.layout;
  View view;
  view.n_features = job.n_features;
  view.bias = job.bias;
  view.bias_output = 1 + layout.slots;
  if (job.spec->linear) view.weights = job.table + layout.weight;
  view.weight_row = view.factor_row = layout.stride;
  view.weight_output = view.factor_output = layout.output_stride;
  view.factors = job.table;
  view.factor_block = view.k = layout.padded_factors;
  return view;
}

template <class Model, class Rule>
Outcome epoch(const TrainJob& job) {
  const Rows& rows = *job.rows;
  const Spec& spec = *job.spec;
  const Table table{job.table, *job.layout, spec};
  const View view = view_of(job);
  float* score = job.scratch;
  Model model(spec, job.scratch + spec.n_outputs, job.field_scratch);
  Outcome outcome;
  if (job.begin < job.end && !stage(job, job.order[job.begin])) {
    outcome.bad_row = job.order[job.begin];
    return outcome;
  }
  for (std::int64_t at = job.begin; at < job.end; ++at) {
    const std::int64_t row = job.order[at];
    if (at + 1 < job.end && !stage(job, job.order[at + 1])) {
      outcome.bad_row = job.order[at + 1];
      return outcome;
    }
    const float target = rows.target[row];
    float weight = rows.weight == nullptr ? 1.0F : rows.weight[row];
    if (job.class_weight != nullptr) weight *= job.class_weight[static_cast<std::int64_t>(target)];
    if (weight == 0) continue;
    const Sample sample = sample_at(rows, row, spec);
    for (std::int64_t c = 0; c < spec.n_outputs; ++c) score[c] = model.score(sample, view, c);
    outcome.loss += weight * loss_of(spec.loss, score, spec.n_outputs, target);
    outcome.weight += weight;
    for (std::int64_t c = 0; c < spec.n_outputs; ++c) {
      const float g = weight * score[c];
      if (spec.intercept) {
        float* bias = job.bias + c * view.bias_output;
        Rule::scalar(bias, bias + 1, g, spec.bias);
      }
      model.template update<Rule>(sample, table, c, g);
    }
  }
  return outcome;
}

template <class Model>
Outcome train_by_rule(const TrainJob& job) {
  switch (job.spec->rule) {
    case Rule::adagrad:
      return epoch<Model, AdaGrad>(job);
    case Rule::rowwise_adagrad:
      return epoch<Model, RowwiseAdaGrad>(job);
    case Rule::sgd:
      return epoch<Model, Sgd>(job);
    case Rule::ftrl:
      return epoch<Model, Ftrl>(job);
  }
  return {};
}

}  // namespace

Outcome train(const TrainJob& job) {
  const std::int64_t k = job.layout->padded_factors;
  switch (job.spec->kind) {
    case Kind::linear:
      return train_by_rule<Linear>(job);
    case Kind::fm:
      if (k == 4) return train_by_rule<Fm<4>>(job);
      if (k == 8) return train_by_rule<Fm<8>>(job);
      if (k == 16) return train_by_rule<Fm<16>>(job);
      return train_by_rule<Fm<0>>(job);
    case Kind::ffm:
      if (k == 4) return train_by_rule<Ffm<4>>(job);
      if (k == 8) return train_by_rule<Ffm<8>>(job);
      if (k == 16) return train_by_rule<Ffm<16>>(job);
      return train_by_rule<Ffm<0>>(job);
  }
  return {};
}

}  // namespace fieldfare::FIELDFARE_ISA
