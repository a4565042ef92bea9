#include "compiler/kernel/builder.h"

#include <algorithm>
#include <array>
#include <utility>

#include "compiler/kernel/arithmetic.h"
#include "compiler/kernel/rules.h"

namespace ingot::kernel {
namespace {

// What distinguishes two pure operations besides row, type and operands.
std::vector<int64_t> AttributeKey(const Attributes& attributes) {
  if (const auto* constant = std::get_if<ConstantAttributes>(&attributes)) {
    return {static_cast<int64_t>(constant->bits)};
  }
  if (const auto* id = std::get_if<IdAttributes>(&attributes)) return {id->axis};
  if (const auto* lanes = std::get_if<LaneAttributes>(&attributes)) {
    return std::vector<int64_t>(lanes->lanes.begin(), lanes->lanes.end());
  }
  if (const auto* call = std::get_if<IntrinsicAttributes>(&attributes)) {
    return {static_cast<int64_t>(call->intrinsic)};
  }
  return {};
}

bool IsConstantInteger(Value value, int64_t wanted) {
  return value->IsConstant() && !IsFloat(value->type.element) && value->ConstantInteger() == wanted;
}

bool IsAllOnes(Value value) {
  return value->IsConstant() &&
         value->Get<ConstantAttributes>().bits == TruncateBits(value->type.element, ~uint64_t{0});
}

// x op constant → x, for integers and pred; nullptr where no rule holds.
Value RightIdentity(Opcode opcode, Value x, Value constant) {
  const bool zero = IsConstantInteger(constant, 0);
  const bool one = constant->type.element != ElementType::kPred && IsConstantInteger(constant, 1);
  // x + 0, x - 0, x | 0, x ^ 0, x << 0, x >> 0
  if (zero && (opcode == Opcode::kAdd || opcode == Opcode::kSub || opcode == Opcode::kOr ||
               opcode == Opcode::kXor || opcode == Opcode::kShl || opcode == Opcode::kLshr ||
               opcode == Opcode::kAshr)) {
    return x;
  }
  // x * 1, x / 1
  if (one && (opcode == Opcode::kMul || opcode == Opcode::kDiv)) return x;
  // x & ~0
  if (opcode == Opcode::kAnd && IsAllOnes(constant)) return x;
  // x * 0, x & 0 → 0;  x | ~0 → ~0
  if (zero && (opcode == Opcode::kMul || opcode == Opcode::kAnd)) return constant;
  if (opcode == Opcode::kOr && IsAllOnes(constant)) return constant;
  return nullptr;
}

// min(x, c) and max(x, c) → x, where x is known to be on that side of c; zeros have signs.
Value WithinBound(Builder& b, Opcode opcode, Value x, Value constant) {
  if (opcode != Opcode::kMin && opcode != Opcode::kMax) return nullptr;
  const ValueRange range = b.RangeOf(x), bound = b.RangeOf(constant);
  if (range.nan || bound.nan || (IsFloat(x->type.element) && bound.low == 0)) return nullptr;
  const bool within = opcode == Opcode::kMin ? range.high <= bound.low : range.low >= bound.high;
  return within ? x : nullptr;
}

}  // namespace

Value Named(Value value, std::string name) {
  if (value->name.empty()) value->name = std::move(name);
  return value;
}

Builder::Builder(Kernel* kernel, BuilderOptions options) : kernel_(kernel), options_(options) {
  levels_.push_back({kernel->body(), {}, {}});
}

Operation* Builder::Append(Opcode opcode, Type type, std::vector<Operation*> operands,
                           Attributes attributes) {
  Operation* op = kernel_->NewOperation(opcode, type);
  for (Operation* operand : operands) {
    INGOT_CHECK(operand != nullptr) << std::string(NameOf(opcode)) << " has no operand";
  }
  op->operands = std::move(operands);
  op->attributes = std::move(attributes);
  op->hlo = hlo_;
  // Constants and ids are printed where they are used: a comment on them would not be seen.
  const OpClass op_class = InfoOf(opcode).op_class;
  if (op_class != OpClass::kOrigin && op_class != OpClass::kId) {
    op->comment = std::exchange(comment_, std::string());
  }
  levels_.back().block->operations.push_back(op);
  return op;
}

void Builder::InBlock(Block* block, const std::function<void()>& fill) {
  levels_.push_back({block, {}, {}});
  fill();
  levels_.pop_back();
}

void Builder::AsWritten(const std::function<void()>& make) {
  const BuilderOptions options = std::exchange(options_, {.fold = false, .share = false});
  make();
  options_ = options;
}

std::vector<Value> Builder::Once(absl::string_view name, Value operand,
                                 const std::function<std::vector<Value>()>& make) {
  const std::pair<absl::string_view, Value> key(name, operand);
  if (options_.share) {
    for (const Level& level : levels_) {
      if (auto found = level.made.find(key); found != level.made.end()) return found->second;
    }
  }
  std::vector<Value> made = make();
  levels_.back().made.emplace(key, made);
  return made;
}

namespace {
void CheckOurs(const Operation& op) {
  const absl::Status status = CheckOperation(op);
  INGOT_CHECK(status.ok()) << std::string(status.message());
}
}  // namespace

Operation* Builder::Visible(const Key& key) const {
  for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
    if (auto found = level->values.find(key); found != level->values.end()) return found->second;
  }
  return nullptr;
}

Value Builder::Pure(Opcode opcode, Type type, std::vector<Operation*> operands,
                    Attributes attributes) {
  Operation candidate;
  candidate.opcode = opcode;
  candidate.type = type;
  candidate.operands = std::move(operands);
  candidate.attributes = std::move(attributes);
  for (const Operation* operand : candidate.operands) {
    INGOT_CHECK(operand != nullptr) << std::string(NameOf(opcode)) << " has no operand";
  }
  CheckOurs(candidate);
  if (options_.fold && opcode != Opcode::kConstant) {
    if (auto bits = FoldToConstant(candidate)) return Constant(type, *bits);
  }
  Key key{opcode, type, candidate.operands, AttributeKey(candidate.attributes)};
  if (InfoOf(opcode).commutative && key.operands[0]->id > key.operands[1]->id) {
    std::swap(key.operands[0], key.operands[1]);
  }
  if (options_.share) {
    if (Operation* visible = Visible(key)) return visible;
  }
  Operation* op =
      Append(opcode, type, std::move(candidate.operands), std::move(candidate.attributes));
  levels_.back().values.emplace(std::move(key), op);
  return op;
}

Value Builder::Constant(Type type, uint64_t bits) {
  return Pure(Opcode::kConstant, type, {}, ConstantAttributes{bits});
}

Value Builder::Integer(Type type, int64_t value) {
  INGOT_CHECK(!IsFloat(type.element)) << "integer constant of type " << type.ToString();
  return Constant(type, IntegerBits(type.element, value));
}

Value Builder::Float(Type type, double value) {
  INGOT_CHECK(IsFloat(type.element)) << "float constant of type " << type.ToString();
  return Constant(type, FloatBits(type.element, value));
}

Value Builder::Id(Opcode opcode, int axis) {
  return Pure(opcode, opcode == Opcode::kTask ? kS64 : kS32, {}, IdAttributes{axis});
}

Value Builder::Unary(Opcode opcode, Value a) { return Pure(opcode, a->type, {a}); }

Value Builder::Binary(Opcode opcode, Value a, Value b) {
  if (!options_.fold) return Pure(opcode, a->type, {a, b});
  const bool commutative = InfoOf(opcode).commutative;
  if (commutative && a->IsConstant() && !b->IsConstant()) std::swap(a, b);
  if (b->IsConstant() && !a->IsConstant() && a->type == b->type) {
    if (Value same = WithinBound(*this, opcode, a, b)) return same;
  }
  if (!b->IsConstant() || a->IsConstant() || a->type != b->type || IsFloat(a->type.element)) {
    return Pure(opcode, a->type, {a, b});
  }
  if (Value same = RightIdentity(opcode, a, b)) return same;
  // x % 1 → 0
  if (opcode == Opcode::kRem && IsConstantInteger(b, 1)) return Integer(a->type, 0);
  // (x + c) + d → x + (c + d), and so for *: integers wrap, so it is exact.
  const bool associative = opcode == Opcode::kAdd || opcode == Opcode::kMul;
  if (associative && a->opcode == opcode && a->operands[1]->IsConstant()) {
    return Binary(opcode, a->operands[0], Pure(opcode, b->type, {a->operands[1], b}));
  }
  return Pure(opcode, a->type, {a, b});
}

std::pair<Value, int64_t> Builder::SplitConstant(Value value) {
  if (value->opcode != Opcode::kAdd && value->opcode != Opcode::kMul) return {value, 0};
  if (!value->operands[1]->IsConstant()) return {value, 0};
  const auto [base, constant] = SplitConstant(value->operands[0]);
  const int64_t other = value->operands[1]->ConstantInteger();
  const auto wrapped = [](uint64_t bits) { return static_cast<int64_t>(bits); };
  if (value->opcode == Opcode::kAdd) {
    return {base, wrapped(static_cast<uint64_t>(constant) + static_cast<uint64_t>(other))};
  }
  return {Mul(base, value->operands[1]),
          wrapped(static_cast<uint64_t>(constant) * static_cast<uint64_t>(other))};
}

Value Builder::Compare(Opcode opcode, Value a, Value b) {
  // x == (y + c) + iota → x - y == c + iota, x and y the same in all lanes: integers wrap, so it is
  // exact, and a thread that asks for many c subtracts once.
  const auto counts = [](Value v) {
    return v->opcode == Opcode::kAdd && v->operands[0]->opcode == Opcode::kBroadcast &&
           v->operands[1]->opcode == Opcode::kIota;
  };
  if (options_.fold && (opcode == Opcode::kEq || opcode == Opcode::kNe)) {
    if (counts(a) && b->opcode == Opcode::kBroadcast) std::swap(a, b);
    if (counts(b) && a->opcode == Opcode::kBroadcast && a->type == b->type) {
      const auto [base, constant] = SplitConstant(b->operands[0]->operands[0]);
      const Value difference = Broadcast(Sub(a->operands[0], base), a->type.lanes);
      const Value lane =
          constant == 0 ? b->operands[1] : Add(b->operands[1], Integer(b->type, constant));
      return Pure(opcode, a->type.Mask(), {difference, lane});
    }
  }
  return Pure(opcode, a->type.Mask(), {a, b});
}

Value Builder::Horizontal(Opcode opcode, Value vector) {
  if (options_.fold && vector->type.lanes == 1) return vector;
  return Pure(opcode, vector->type.WithLanes(1), {vector});
}

// A polynomial whose coefficients are chosen by one mask is two polynomials, of which one is
// chosen: processors multiply more often than they select.
Value Builder::Fma(Value a, Value b, Value c) {
  const std::array<Value, 3> operands = {a, b, c};
  const auto is_select = [](Value value) { return value->opcode == Opcode::kSelect; };
  const auto chosen = [&](Value value) {
    return is_select(value) && !is_select(value->operands[1]) && !is_select(value->operands[2]);
  };
  const auto first = std::find_if(operands.begin(), operands.end(), chosen);
  if (!options_.fold || first == operands.end()) return Pure(Opcode::kFma, a->type, {a, b, c});
  const Value mask = (*first)->operands[0];
  const auto by_mask = [&](Value value) { return chosen(value) && value->operands[0] == mask; };
  if (std::count_if(operands.begin(), operands.end(), by_mask) < 2) {
    return Pure(Opcode::kFma, a->type, {a, b, c});
  }
  const auto of = [&](int place) {
    const auto side = [&](Value value) { return by_mask(value) ? value->operands[place] : value; };
    return Fma(side(a), side(b), side(c));
  };
  return Select(mask, of(1), of(2));
}

Value Builder::Permute(Value a, Value b, Value selector) {
  return Pure(Opcode::kPermute, a->type, {a, b, selector});
}

Value Builder::Select(Value mask, Value on_true, Value on_false) {
  if (options_.fold && on_true->type == on_false->type && mask->type == on_true->type.Mask()) {
    if (on_true == on_false) return on_true;
    if (mask->IsConstant()) return IsConstantInteger(mask, 0) ? on_false : on_true;
  }
  return Pure(Opcode::kSelect, on_true->type, {mask, on_true, on_false});
}

Value Builder::Convert(Value a, ElementType element) {
  if (a->type.element == element) return a;
  return Pure(Opcode::kConvert, a->type.WithElement(element), {a});
}

Value Builder::Bitcast(Value a, Type type) {
  if (a->type == type) return a;
  return Pure(Opcode::kBitcast, type, {a});
}

Value Builder::Build(absl::Span<const Value> lanes) {
  INGOT_CHECK(!lanes.empty()) << "build of no lanes";
  if (lanes.size() == 1) return lanes[0];
  const Type type = lanes[0]->type.WithLanes(static_cast<int>(lanes.size()));
  const bool all_same =
      std::all_of(lanes.begin(), lanes.end(), [&](Value lane) { return lane == lanes[0]; });
  if (options_.fold && all_same) return Broadcast(lanes[0], type.lanes);
  return Pure(Opcode::kBuild, type, {lanes.begin(), lanes.end()});
}

Value Builder::Broadcast(Value scalar, int lanes) {
  if (lanes == 1) return scalar;
  return Pure(Opcode::kBroadcast, scalar->type.WithLanes(lanes), {scalar});
}

Value Builder::Iota(Type type) {
  if (type.lanes == 1) return Integer(type, 0);
  return Pure(Opcode::kIota, type, {});
}

Value Builder::Extract(Value vector, int lane) {
  INGOT_CHECK(lane >= 0 && lane < vector->type.lanes)
      << "lane " << lane << " of " << vector->type.ToString();
  if (vector->type.lanes == 1) return vector;
  if (options_.fold) {
    if (vector->opcode == Opcode::kBuild) return vector->operands[lane];
    if (vector->opcode == Opcode::kBroadcast) return vector->operands[0];
    if (vector->opcode == Opcode::kIota) return Integer(vector->type.WithLanes(1), lane);
  }
  return Pure(Opcode::kExtract, vector->type.WithLanes(1), {vector}, LaneAttributes{{lane}});
}

Value Builder::Insert(Value vector, Value scalar, int lane) {
  return Pure(Opcode::kInsert, vector->type, {vector, scalar}, LaneAttributes{{lane}});
}

Value Builder::VectorShuffle(Value a, Value b, std::vector<int> lanes) {
  const Type type = a->type.WithLanes(static_cast<int>(lanes.size()));
  return Pure(Opcode::kVectorShuffle, type, {a, b}, LaneAttributes{std::move(lanes)});
}

Var* Builder::DeclareVar(std::string name, Value initial, int array_size) {
  Var* var = kernel_->NewVar(std::move(name), initial->type, array_size);
  CheckOurs(*Append(Opcode::kVar, Type::None(), {initial}, VarAttributes{var}));
  return var;
}

Value Builder::Read(Var* var, Value static_index) {
  std::vector<Operation*> operands;
  if (static_index != nullptr) operands.push_back(static_index);
  Operation* op = Append(Opcode::kVarRead, var->type, std::move(operands), VarAttributes{var});
  CheckOurs(*op);
  return op;
}

void Builder::Write(Var* var, Value value, Value static_index) {
  std::vector<Operation*> operands{value};
  if (static_index != nullptr) operands.push_back(static_index);
  CheckOurs(*Append(Opcode::kVarWrite, Type::None(), std::move(operands), VarAttributes{var}));
}

namespace {
MemoryAttributes AccessOf(Buffer* buffer, const AccessOptions& options) {
  const int element = ByteWidth(buffer->element);
  return {buffer, options.alignment == 0 ? element : options.alignment, options.cache,
          options.order, options.scope};
}
}  // namespace

Value Builder::Load(Buffer* buffer, Value index, int lanes, const AccessOptions& options) {
  std::vector<Operation*> operands{index};
  if (options.mask != nullptr) operands.push_back(options.mask);
  Operation* op = Append(Opcode::kLoad, Type{buffer->element, lanes}, std::move(operands),
                         AccessOf(buffer, options));
  CheckOurs(*op);
  return op;
}

void Builder::Store(Buffer* buffer, Value index, Value value, const AccessOptions& options) {
  std::vector<Operation*> operands{value, index};
  if (options.mask != nullptr) operands.push_back(options.mask);
  CheckOurs(*Append(Opcode::kStore, Type::None(), std::move(operands), AccessOf(buffer, options)));
}

Value Builder::Atomic(AtomicKind kind, Buffer* buffer, Value index, Value value, Order order,
                      MemoryScope scope) {
  Operation* op = Append(Opcode::kAtomic, value->type, {index, value},
                         AtomicAttributes{kind, buffer, order, scope});
  CheckOurs(*op);
  return op;
}

Value Builder::CompareExchange(Buffer* buffer, Value index, Value expected, Value desired,
                               Order order, MemoryScope scope) {
  Operation* op = Append(Opcode::kAtomic, expected->type, {index, expected, desired},
                         AtomicAttributes{AtomicKind::kCompareExchange, buffer, order, scope});
  CheckOurs(*op);
  return op;
}

Value Builder::Call(Intrinsic intrinsic, absl::Span<const Value> operands,
                    std::vector<int64_t> immediates, std::vector<Buffer*> buffers) {
  return Call(
      {.intrinsic = intrinsic, .immediates = std::move(immediates), .buffers = std::move(buffers)},
      operands);
}

Value Builder::Call(IntrinsicAttributes call, absl::Span<const Value> operands) {
  const Type type = InferType(Opcode::kIntrinsic, operands, call);
  if (InfoOf(call.intrinsic).effects == kPure) {
    return Pure(Opcode::kIntrinsic, type, {operands.begin(), operands.end()}, std::move(call));
  }
  Operation* op =
      Append(Opcode::kIntrinsic, type, {operands.begin(), operands.end()}, std::move(call));
  CheckOurs(*op);
  return op;
}

void Builder::For(Value begin, Value end, Value step, const std::function<void(Value)>& body,
                  int64_t unroll) {
  Operation* loop = Append(Opcode::kFor, begin->type, {begin, end, step},
                           ForAttributes{.unroll = unroll, .is_list = false, .list = {}});
  loop->blocks = {kernel_->NewBlock(loop)};
  CheckOurs(*loop);
  InBlock(loop->blocks[0], [&] { body(loop); });
}

void Builder::ForStatic(int64_t begin, int64_t end, const std::function<void(Value)>& body) {
  For(Index(begin), Index(end), Index(1), body, std::max<int64_t>(1, end - begin));
}

void Builder::ForList(std::vector<int64_t> list, const std::function<void(Value)>& body) {
  Operation* loop = Append(Opcode::kFor, kS32, {}, ForAttributes{1, true, std::move(list)});
  loop->blocks = {kernel_->NewBlock(loop)};
  CheckOurs(*loop);
  InBlock(loop->blocks[0], [&] { body(loop); });
}

void Builder::If(Value condition, const std::function<void()>& then,
                 const std::function<void()>& otherwise) {
  Operation* branch = Append(Opcode::kIf, Type::None(), {condition});
  branch->blocks = {kernel_->NewBlock(branch), kernel_->NewBlock(branch)};
  CheckOurs(*branch);
  InBlock(branch->blocks[0], then);
  if (otherwise) InBlock(branch->blocks[1], otherwise);
}

void Builder::While(const std::function<Value()>& condition, const std::function<void()>& body) {
  Operation* loop = Append(Opcode::kWhile, Type::None(), {});
  loop->blocks = {kernel_->NewBlock(loop), kernel_->NewBlock(loop)};
  InBlock(loop->blocks[0],
          [&] { CheckOurs(*Append(Opcode::kYield, Type::None(), {condition()})); });
  InBlock(loop->blocks[1], body);
}

void Builder::Roles(const std::vector<std::pair<WarpRange, std::function<void()>>>& roles) {
  Operation* op = Append(Opcode::kRoles, Type::None(), {});
  RolesAttributes attributes;
  for (const auto& [warps, fill] : roles) {
    attributes.warps.push_back(warps);
    op->blocks.push_back(kernel_->NewBlock(op));
  }
  op->attributes = std::move(attributes);
  CheckOurs(*op);
  for (size_t i = 0; i < roles.size(); ++i) InBlock(op->blocks[i], roles[i].second);
}

}  // namespace ingot::kernel
