// SGD with adaptive regularisation.
#include "gradient/adaptive.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace fieldfare {

namespace {

class Epoch {
 public:
  Epoch(const Rows& rows, const float* weight, const AdaptiveModel& model)
      : rows_(rows),
        weight_(weight),
        model_(model),
        seen_(static_cast<std::size_t>(model.n_features), {-1, 0}),
        q_(static_cast<std::size_t>(model.k)),
        q_next_(static_cast<std::size_t>(model.k)),
        cross_(static_cast<std::size_t>(model.k)) {}

  double run(const AdaptiveOrder& order) {
    double loss = 0;
    for (std::int64_t s = 0; s < order.n_train; ++s) {
      loss += learn(order.train[s], s);
      if (order.n_held_out > 0) adapt(order.held_out[s % order.n_held_out], s);
    }
    return loss;
  }

 private:
  struct Seen {
    std::int64_t step;   // of the last training row with the feature
    std::int64_t place;  // where its old parameters are in old_
  };

  double weight(std::int64_t row) const { return weight_ == nullptr ? 1.0 : weight_[row]; }

  double scale(std::int64_t row) const {
    if (!model_.normalised) return 1;
    double squares = 0;
    for (std::int64_t p = rows_.indptr[row]; p < rows_.indptr[row + 1]; ++p) {
      const double x = rows_.values == nullptr ? 1.0 : static_cast<double>(rows_.values[p]);
      squares += x * x;
    }
    return squares > 0 ? 1 / std::sqrt(squares) : 0;
  }

  double value(std::int64_t entry, double scale) const {
    return rows_.values == nullptr ? scale : scale * rows_.values[entry];
  }

  double times(std::uint32_t id) const { return model_.times == nullptr ? 1 : model_.times[id]; }

  // Derivative of the loss by the score.
  double slope(double score, double target) const {
    if (!model_.logistic) return score - target;
    return 1 / (1 + std::exp(-score)) - target;
  }

  double loss(double score, double target) const {
    if (!model_.logistic) return (score - target) * (score - target);
    return std::max(score, 0.0) - target * score + std::log1p(std::exp(-std::fabs(score)));
  }

  // One step on a training row. The parameters before it are kept.
  double learn(std::int64_t row, std::int64_t step) {
    const std::int64_t begin = rows_.indptr[row], end = rows_.indptr[row + 1], k = model_.k;
    const double s = scale(row);
    double score = model_.bias == nullptr ? 0 : *model_.bias;
    std::fill(q_.begin(), q_.end(), 0);
    for (std::int64_t p = begin; p < end; ++p) {
      const std::uint32_t id = rows_.indices[p];
      const double x = value(p, s);
      if (model_.linear != nullptr) score += x * model_.linear[id];
      const float* v = model_.factors + id * k;
      for (std::int64_t f = 0; f < k; ++f) {
        q_[f] += x * v[f];
        score -= 0.5 * x * v[f] * x * v[f];
      }
    }
    for (const double q : q_) score += 0.5 * q * q;
    const double g = weight(row) * slope(score, rows_.target[row]);
    if (model_.bias != nullptr) *model_.bias -= static_cast<float>(model_.bias_rate * g);
    old_.resize(static_cast<std::size_t>((end - begin) * (1 + k)));
    for (std::int64_t p = begin; p < end; ++p) {
      const std::uint32_t id = rows_.indices[p];
      const double x = value(p, s);
      const double m = times(id);
      double* old = old_.data() + (p - begin) * (1 + k);
      if (seen_[id].step != step) seen_[id] = {step, (p - begin) * (1 + k)};
      if (model_.linear != nullptr) {
        float& w = model_.linear[id];
        old[0] = w;
        w -= static_cast<float>(model_.linear_rate * (g * x + m * model_.penalties[0] * w));
      }
      float* v = model_.factors + id * k;
      for (std::int64_t f = 0; f < k; ++f) {
        old[1 + f] = v[f];
        const double gradient = g * x * (q_[f] - x * v[f]) + m * model_.penalties[1 + f] * v[f];
        v[f] -= static_cast<float>(model_.factor_rate * gradient);
      }
    }
    return weight(row) * loss(score, rows_.target[row]);
  }

  // One step of the penalties on a held-out row.
  void adapt(std::int64_t row, std::int64_t step) {
    const std::int64_t k = model_.k;
    const double s = scale(row);
    double score = model_.bias == nullptr ? 0 : *model_.bias, linear = 0;
    for (auto* sums : {&q_, &q_next_, &cross_}) std::fill(sums->begin(), sums->end(), 0);
    for (std::int64_t p = rows_.indptr[row]; p < rows_.indptr[row + 1]; ++p) {
      const std::uint32_t id = rows_.indices[p];
      const double x = value(p, s), m = times(id);
      const bool moved = seen_[id].step == step;
      const double* old = moved ? old_.data() + seen_[id].place : nullptr;
      if (model_.linear != nullptr) {
        const double now = model_.linear[id];
        const double before = moved ? old[0] : now;
        score += x * (moved ? now : now * (1 - model_.linear_rate * (m * model_.penalties[0])));
        linear += x * m * before;
      }
      const float* v = model_.factors + id * k;
      for (std::int64_t f = 0; f < k; ++f) {
        const double now = v[f], before = moved ? old[1 + f] : now;
        const double shrunk = now * (1 - model_.factor_rate * (m * model_.penalties[1 + f]));
        const double next = moved ? now : shrunk;
        q_[f] += x * m * before;
        q_next_[f] += x * next;
        cross_[f] += x * next * x * m * before;
        score -= 0.5 * x * next * x * next;
      }
    }
    for (const double q : q_next_) score += 0.5 * q * q;
    const double g = weight(row) * slope(score, rows_.target[row]);
    const auto move = [](double* penalty, double gradient) {
      *penalty = std::max(0.0, *penalty - gradient);
    };
    if (model_.linear != nullptr) {
      move(model_.penalties, model_.linear_penalty_rate * g * -model_.linear_rate * linear);
    }
    for (std::int64_t f = 0; f < k; ++f) {
      const double slope = -model_.factor_rate * (q_next_[f] * q_[f] - cross_[f]);
      move(model_.penalties + 1 + f, model_.factor_penalty_rate * g * slope);
    }
  }

  const Rows& rows_;
  const float* weight_;
  const AdaptiveModel& model_;
  std::vector<Seen> seen_;
  std::vector<double> old_;  // of the last training row: weight and factors of each entry
  std::vector<double> q_, q_next_, cross_;
};

}  // namespace

std::optional<std::int64_t> unusable_row(const Rows& rows, const AdaptiveOrder& order,
                                         std::int64_t n_features) {
  const auto bad = [&](std::int64_t row) {
    if (row < 0 || row >= rows.n_rows) return true;
    const std::int64_t begin = rows.indptr[row], end = rows.indptr[row + 1];
    if (begin < 0 || begin > end || end > rows.n_entries) return true;
    return std::any_of(rows.indices + begin, rows.indices + end, [&](std::uint32_t id) {
      return static_cast<std::int64_t>(id) >= n_features;
    });
  };
  for (std::int64_t s = 0; s < order.n_train; ++s) {
    if (bad(order.train[s])) return order.train[s];
  }
  for (std::int64_t s = 0; s < order.n_held_out; ++s) {
    if (bad(order.held_out[s])) return order.held_out[s];
  }
  return std::nullopt;
}

double adaptive_epoch(const Rows& rows, const float* weight, const AdaptiveOrder& order,
                      const AdaptiveModel& model) {
  return Epoch(rows, weight, model).run(order);
}

}  // namespace fieldfare
