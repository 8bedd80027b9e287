// One Gauss-Newton step for one side. Every number belongs to a row or a feature, which one thread
// computes completely, and sums over them are taken in order, so that any number of threads gives
// the same bits.
#include "recall/recall.hpp"

#include <algorithm>

#include "isa/isa.hpp"
#include "recall/recall_map.hpp"

namespace fieldfare {

namespace {

constexpr std::int64_t gram_chunks = 16, gram_tile = 1024;

using Floats = std::vector<float>;

// Half the loss after t times a direction, as a polynomial: the coefficients of t, t^2, t^3 and
// t^4.
struct Polynomial {
  double of[5] = {};

  double at(double t) const { return t * (of[1] + t * (of[2] + t * (of[3] + t * of[4]))); }
  double slope(double t) const { return of[1] + t * (2 * of[2] + t * (3 * of[3] + t * 4 * of[4])); }
};

std::size_t size_of(std::int64_t n) { return static_cast<std::size_t>(n); }

double total(const std::vector<double>& parts) {
  double sum = 0;
  for (const double part : parts) sum += part;
  return sum;
}

// The first minimum of the polynomial, which is decreasing at 0. Bisection works for any
// polynomial.
double nearest_minimum(const Polynomial& p) {
  if (!(p.of[1] < 0)) return 0;
  constexpr double step = 1.0 / 16, most = 16;
  double low = 0, high = step;
  for (; p.slope(high) < 0 && high < most; high += step) low = high;
  for (int i = 0; i < 40; ++i) {
    const double middle = (low + high) / 2;
    (p.slope(middle) < 0 ? low : high) = middle;
  }
  return (low + high) / 2;
}

class Step {
 public:
  Step(const RecallSide& side, const RecallProblem& problem, float* parameters, float* vectors)
      : side_(side),
        problem_(problem),
        stride_(recall_stride(problem.k)),
        theta_(parameters),
        vectors_(vectors),
        map_(side, problem, parameters, vectors),
        gram_(size_of(stride_ * stride_)),
        gram_tiles_(size_of(gram_chunks * stride_ * stride_)),
        gram_parts_(size_of(gram_chunks * stride_ * stride_)),
        slope_(size_of(side.n_rows * stride_)),
        product_(size_of(side.n_rows * stride_)),
        moved_(size_of(side.n_rows * stride_)),
        residual_(size_of(side.n_features * stride_)),
        scale_(size_of(side.n_features * stride_)),
        direction_(size_of(side.n_features * stride_)),
        applied_(size_of(side.n_features * stride_)),
        change_(size_of(side.n_features * stride_)),
        by_feature_(size_of(side.n_features)),
        by_row_(size_of(side.n_rows)),
        row_terms_(size_of(side.n_rows)),
        feature_terms_(size_of(side.n_features)) {
    job_.seen = view_of(side.seen);
    job_.partners = problem.partners;
    job_.gram = gram_.data();
    job_.share = side.share.data();
    job_.partner_share = side.partner_share.data();
    job_.width = problem.k + 1;
    job_.stride = stride_;
    job_.unobserved = problem.unobserved;
    by_feature_instead();
  }
  // A copy would point into the memory of the original.
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

  RecallOutcome run(std::int64_t n_threads, const std::function<bool()>& go_on) {
    RecallOutcome outcome;
    run_team(n_threads, [&](Member& member) {
      find_gram(member);
      start(member);
      for (std::int64_t s = 0; s < problem_.steps; ++s) {
        if (member.first()) outcome.complete = go_on();
        member.meet();
        if (!outcome.complete) return;
        conjugate(member);
      }
      finish(member);
    });
    outcome.loss = loss_;
    return outcome;
  }

 private:
  // The total of numbers of which each member has a part; every member gets it.
  double sum(Member& member, const std::vector<double>& parts) {
    member.meet();
    if (member.first()) sum_ = total(parts);
    member.meet();
    return sum_;
  }

  // G, the sum of the partners' outer products times their shares.
  void find_gram(Member& member) {
    const std::int64_t cells = stride_ * stride_, n = side_.n_partners;
    member.share(gram_chunks, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t c = from; c < to; ++c) {
        float* tile = &gram_tiles_[c * cells];
        const std::int64_t end = n * (c + 1) / gram_chunks;
        for (std::int64_t i = n * c / gram_chunks; i < end; i += gram_tile) {
          std::fill_n(tile, cells, 0.0F);
          isa().add_gram(problem_.partners + i * stride_, &side_.partner_share[i],
                         std::min(gram_tile, end - i), problem_.k + 1, stride_, tile);
          for (std::int64_t d = 0; d < cells; ++d) gram_parts_[c * cells + d] += tile[d];
        }
      }
    });
    member.meet();
    member.share(cells, [&](std::int64_t from, std::int64_t to) {
      for (std::int64_t d = from; d < to; ++d) {
        double cell = 0;
        for (std::int64_t c = 0; c < gram_chunks; ++c) cell += gram_parts_[c * cells + d];
        gram_[d] = static_cast<float>(cell);
      }
    });
    member.meet();
  }

  // Where many queries share few features, such as a user in many contexts, the part of G is
  // applied to the sum over the queries of a feature instead of to each query.
  void by_feature_instead() {
    apart_ = !side_.items && 2 * side_.n_features < side_.n_rows;
    if (!apart_) return;
    shared_columns_ = side_.columns;
    for (std::size_t e = 0; e < shared_columns_.value.size(); ++e) {
      shared_columns_.value[e] *= side_.share[shared_columns_.index[e]];
    }
    const std::size_t n = size_of(side_.n_features);
    nothing_seen_.start.assign(n + 1, 0);
    ones_.assign(n, 1);
    together_.resize(n * size_of(stride_));
    spread_.resize(n * size_of(stride_));
    feature_job_ = job_;
    feature_job_.seen = view_of(nothing_seen_);
    feature_job_.share = ones_.data();
    feature_job_.in = together_.data();
    feature_job_.out = spread_.data();
  }

  void add_unobserved(Member& member) {
    map_.features(member, [&](std::int64_t begin, std::int64_t end) {
      isa().combine(view_of(shared_columns_), moved_.data(), together_.data(), stride_, begin, end);
      isa().weigh(feature_job_, begin, end);
      for (std::int64_t j = std::max(begin, problem_.first_free); j < end; ++j) {
        for (std::int64_t c = j * stride_; c < j * stride_ + problem_.k; ++c) {
          applied_[c] += spread_[c];
        }
      }
    });
    member.meet();
  }

  // Gradient, preconditioner, first direction.
  void start(Member& member) {
    map_.rows(member, [&](std::int64_t begin, std::int64_t end) {
      WeighJob job = job_;
      job.target = 1;
      job.in = vectors_;
      job.out = slope_.data();
      job.diagonal = moved_.data();
      job.observed = by_row_.data();
      isa().weigh(job, begin, end);
      std::copy(slope_.begin() + begin * stride_, slope_.begin() + end * stride_,
                product_.begin() + begin * stride_);
      for (std::int64_t i = begin; i < end; ++i) {
        const float* own = vectors_ + i * stride_;
        by_row_[i] = exact_dot(slope_.data() + i * stride_, own, problem_.k + 1) - by_row_[i] +
                     weights_of(i);
      }
    });
    const double loss = sum(member, by_row_);
    if (member.first()) loss_ = loss;
    member.meet();
    map_.features(member, [&](std::int64_t begin, std::int64_t end) {
      isa().combine(view_of(side_.squares), moved_.data(), scale_.data(), stride_, begin, end);
      for (std::int64_t j = begin; j < end; ++j) {
        for (std::int64_t d = 0; d < stride_; ++d) {
          float& scale = scale_[j * stride_ + d];
          scale = 1 / std::max(scale + problem_.penalty[j], 1e-12F);
        }
      }
    });
    map_.pull(member, product_.data(), theta_, residual_.data());
    map_.features(member, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = begin; j < end; ++j) {
        double rz = 0;
        for (std::int64_t c = j * stride_; c < (j + 1) * stride_; ++c) {
          residual_[c] = -residual_[c];
          direction_[c] = scale_[c] * residual_[c];
          rz += static_cast<double>(residual_[c]) * direction_[c];
        }
        by_feature_[j] = rz;
      }
    });
    const double rz = sum(member, by_feature_);
    if (member.first()) rz_ = rz;
  }

  double weights_of(std::int64_t i) const {
    double sum = 0;
    for (std::int64_t e = side_.seen.start[i]; e < side_.seen.start[i + 1]; ++e) {
      sum += side_.seen.value[e];
    }
    return sum;
  }

  // vectors -> their products with the matrices of the rows
  void weigh(Member& member, const Floats& in, Floats& out, bool observed_only = false) {
    map_.rows(member, [&](std::int64_t begin, std::int64_t end) {
      WeighJob job = job_;
      if (observed_only) job.gram = nullptr;
      job.in = in.data();
      job.out = out.data();
      isa().weigh(job, begin, end);
    });
    member.meet();
  }

  // One step of preconditioned conjugate gradients.
  void conjugate(Member& member) {
    map_.push(member, direction_.data(), moved_.data());
    weigh(member, moved_, product_, apart_);
    map_.pull(member, product_.data(), direction_.data(), applied_.data());
    if (apart_) add_unobserved(member);
    map_.features(member, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = begin; j < end; ++j) {
        by_feature_[j] = exact_dot(&direction_[j * stride_], &applied_[j * stride_], stride_);
      }
    });
    const double curvature = sum(member, by_feature_);
    const auto length = static_cast<float>(curvature > 0 ? rz_ / curvature : 0);
    map_.features(member, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = begin; j < end; ++j) {
        double rz = 0;
        for (std::int64_t c = j * stride_; c < (j + 1) * stride_; ++c) {
          change_[c] += length * direction_[c];
          residual_[c] -= length * applied_[c];
          rz += static_cast<double>(residual_[c]) * scale_[c] * residual_[c];
        }
        by_feature_[j] = rz;
      }
    });
    const double rz = sum(member, by_feature_);
    const auto keep = static_cast<float>(rz_ > 0 ? rz / rz_ : 0);
    map_.features(member, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t c = begin * stride_; c < end * stride_; ++c) {
        direction_[c] = scale_[c] * residual_[c] + keep * direction_[c];
      }
    });
    member.meet();
    if (member.first()) rz_ = rz;
  }

  // Moves along the change found to the minimum of the loss, which is a polynomial of degree 4
  // there.
  void finish(Member& member) {
    const std::int64_t k = problem_.k;
    map_.push(member, change_.data(), moved_.data());
    weigh(member, moved_, product_);
    map_.start_bending(member, change_.data());
    map_.rows(member, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) row_terms_[i] = terms_of(i);
    });
    map_.features(member, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t j = begin; j < end; ++j) {
        const float* change = &change_[j * stride_];
        feature_terms_[j].of[1] =
            problem_.penalty[j] * exact_dot(theta_ + j * stride_, change, k + 1);
        feature_terms_[j].of[2] = problem_.penalty[j] * exact_dot(change, change, k + 1) / 2;
      }
    });
    member.meet();
    if (member.first()) find_length();
    member.meet();
    move(member, length_);
  }

  void find_length() {
    Polynomial loss, whole;
    for (int t = 1; t < 5; ++t) {
      for (const Polynomial& row : row_terms_) loss.of[t] += row.of[t];
      whole.of[t] = loss.of[t];
      for (const Polynomial& feature : feature_terms_) whole.of[t] += feature.of[t];
    }
    length_ = nearest_minimum(whole);
    loss_ += 2 * loss.at(length_);
  }

  Polynomial terms_of(std::int64_t i) {
    const std::int64_t k = problem_.k, c = i * stride_;
    const double bent = by_row_[i] = map_.bend(i, &moved_[c]);
    Polynomial terms;
    terms.of[1] = exact_dot(&slope_[c], &moved_[c], k + 1);
    terms.of[2] = bent * slope_[c + k] + exact_dot(&product_[c], &moved_[c], k + 1) / 2;
    terms.of[3] = bent * product_[c + k];
    terms.of[4] = bent * bent * last_diagonal(i) / 2;
    return terms;
  }

  // The matrix of a row, at the place of s; queries have a 1 there.
  double last_diagonal(std::int64_t i) const {
    const std::int64_t k = problem_.k;
    const auto unobserved = static_cast<double>(problem_.unobserved * side_.share[i]);
    double seen = 0;
    for (std::int64_t e = side_.seen.start[i]; e < side_.seen.start[i + 1]; ++e) {
      seen += side_.partner_share[side_.seen.index[e]];
    }
    return unobserved * gram_[k * stride_ + k] + weights_of(i) - unobserved * seen;
  }

  void move(Member& member, double length) {
    const auto t = static_cast<float>(length);
    map_.rows(member, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t c = begin * stride_; c < end * stride_; ++c) vectors_[c] += t * moved_[c];
      for (std::int64_t i = begin; i < end; ++i) {
        vectors_[i * stride_ + problem_.k] += static_cast<float>(length * length * by_row_[i]);
      }
    });
    map_.features(member, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t c = begin * stride_; c < end * stride_; ++c) theta_[c] += t * change_[c];
    });
  }

  const RecallSide& side_;
  const RecallProblem& problem_;
  std::int64_t stride_;
  float *theta_, *vectors_;
  RecallMap map_;
  WeighJob job_;
  Floats gram_, gram_tiles_, gram_parts_;
  Floats slope_, product_, moved_;                          // [n_rows, stride]
  Floats residual_, scale_, direction_, applied_, change_;  // [n_features, stride]
  std::vector<double> by_feature_, by_row_;
  std::vector<Polynomial> row_terms_, feature_terms_;
  bool apart_ = false;
  Sparse shared_columns_, nothing_seen_;
  Floats ones_, together_, spread_;
  WeighJob feature_job_;
  double sum_ = 0, rz_ = 0, loss_ = 0, length_ = 0;
};

}  // namespace

RecallOutcome solve_side(const RecallSide& side, const RecallProblem& problem, float* parameters,
                         float* vectors, std::int64_t n_threads,
                         const std::function<bool()>& go_on) {
  return Step(side, problem, parameters, vectors).run(n_threads, go_on);
}

}  // namespace fieldfare
