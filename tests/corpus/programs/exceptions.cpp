// C++ with exceptions: what a throw passes on its way must be as the unwind index says, with
// or without protection. Each part prints what it saw; the last line sums it all up.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

// What crtbegin.o, which is not linked, defines for destructors of objects that live on.
extern "C" __attribute__((visibility("hidden"))) void *__dso_handle;
void *__dso_handle = nullptr;

namespace {

uint32_t sum = 2166136261U;

void told(const char *what, long value) {
    for (const char *c = what; *c; c++)
        sum = (sum ^ static_cast<uint8_t>(*c)) * 16777619U;
    sum = (sum ^ static_cast<uint32_t>(value)) * 16777619U;
    printf("%s %ld\n", what, value);
}

// --- destructors run on the way, from the inside out

int alive;

struct Guard {
    const char *name;
    int value;
    Guard(const char *the_name, int the_value) : name(the_name), value(the_value) {
        alive++;
    }
    Guard(const Guard &) = delete;
    Guard &operator=(const Guard &) = delete;
    ~Guard() {
        alive--;
        told(name, value);
    }
};

struct Fault : std::runtime_error {
    int code;
    Fault(const std::string &text, int the_code) : std::runtime_error(text), code(the_code) {}
};

struct SensorFault final : Fault {
    std::vector<int> samples;
    SensorFault(int the_code, std::vector<int> the_samples)
        : Fault("sensor " + std::to_string(the_code), the_code), samples(std::move(the_samples)) {}
};

// Many callee-saved registers, and a frame too large for an immediate.
__attribute__((noinline)) int deep(int depth, int a, int b, int c, int d) {
    volatile int big[400];
    big[depth] = a + b;
    Guard guard("left frame", depth);
    std::vector<int> mine(static_cast<size_t>(depth) + 3, a);
    if (depth == 0) throw SensorFault(a ^ b ^ c ^ d, mine);
    int below = deep(depth - 1, b, c, d, a);
    return below + big[depth] + static_cast<int>(mine.size()) + a * b - c * d;
}

// Floating-point registers that a callee saves are restored while unwinding.
__attribute__((noinline)) double scaled(double x, int depth) {
    double y = x * 1.5 + depth;
    if (depth == 3) throw Fault("scaled", 3);
    return y + scaled(y - 0.25, depth + 1) * x;
}

void across_frames() {
    try {
        told("never", deep(6, 1, 20, 300, 4000));
    } catch (const Fault &fault) { // by its base
        told(fault.what(), fault.code);
        told("is a sensor's", dynamic_cast<const SensorFault *>(&fault) != nullptr);
    }
    double before = 2.5;
    try {
        told("never", static_cast<long>(scaled(before, 0)));
    } catch (const std::exception &fault) {
        told(fault.what(), static_cast<long>(before * 100));
    }
}

// --- rethrow, and a catch that is passed because its type is another

__attribute__((noinline)) void inner(int kind) {
    Guard guard("inner", kind);
    try {
        if (kind == 0) throw 17;
        if (kind == 1) throw Fault("inner", 5);
        if (kind == 2) throw std::string("text");
        throw 2.5;
    } catch (int number) {
        told("caught a number", number);
        throw; // the same again
    } catch (const std::string &text) {
        told(text.c_str(), static_cast<long>(text.size()));
        throw Fault("made of " + text, 6); // another, while the first is handled
    }
}

__attribute__((noinline)) void middle(int kind) {
    Guard guard("middle", kind);
    try {
        inner(kind);
    } catch (const Fault &fault) {
        told(fault.what(), fault.code);
        if (fault.code == 6) throw;
    }
}

void rethrown() {
    for (int kind = 0; kind < 4; kind++) {
        try {
            middle(kind);
            told("came back", kind);
        } catch (int number) {
            told("outer number", number);
        } catch (const std::logic_error &) {
            told("wrong", kind);
        } catch (const std::runtime_error &fault) {
            told(fault.what(), kind);
        } catch (...) {
            told("outer anything", kind);
        }
    }
}

// --- through pointers and virtual calls

struct Valve {
    virtual ~Valve() = default;
    virtual int set(int position) = 0;
};
struct Plain final : Valve {
    int set(int position) override {
        return position * 2;
    }
};
struct Limited final : Valve {
    int limit;
    explicit Limited(int the_limit) : limit(the_limit) {}
    ~Limited() override {
        told("valve gone", limit);
    }
    int set(int position) override {
        if (position > limit) throw std::out_of_range("beyond " + std::to_string(limit));
        return position;
    }
};

int fine(int x) {
    return x + 1;
}
int bad(int x) {
    if (x & 1) throw x;
    return x - 1;
}
int (*const actions[])(int) = {fine, bad, fine};

__attribute__((noinline)) int act(int (*action)(int), int x) noexcept(false) {
    Guard guard("acted", x);
    return action(x) + 10;
}

void through_pointers() {
    std::vector<std::unique_ptr<Valve>> valves;
    valves.push_back(std::make_unique<Plain>());
    valves.push_back(std::make_unique<Limited>(3));
    valves.push_back(std::make_unique<Limited>(8));
    for (int position = 2; position < 10; position += 3) {
        long total = 0;
        for (const auto &valve : valves) {
            try {
                total += valve->set(position);
            } catch (const std::logic_error &fault) {
                told(fault.what(), position);
            }
        }
        told("valves", total);
    }
    for (int i = 0; i < 6; i++) {
        try {
            told("action", act(actions[i % 3], i));
        } catch (int value) {
            told("action threw", value);
        }
    }
}

// --- constructors that fail half-way, arrays, and the library's own throws

struct Counted {
    static int made;
    int mine;
    Counted() : mine(made++) {
        if (mine == 4) throw Fault("fifth", mine);
    }
    ~Counted() {
        told("unmade", mine);
    }
};
int Counted::made;

struct Both {
    Guard first{"first member", 1};
    Counted many[3];
    Guard last{"last member", 2};
};

void half_made() {
    Both whole;
    try {
        std::unique_ptr<Both> half(new Both); // the second object's second element throws
        told("never", half->many[0].mine);
    } catch (const Fault &fault) {
        told(fault.what(), fault.code);
    }
}

void of_the_library() {
    std::map<std::string, std::vector<int>> table;
    for (int i = 0; i < 20; i++)
        table["key" + std::to_string(i % 7)].push_back(i);
    try {
        told("entry", table.at("key3").at(2));
        told("never", table.at("none").at(0));
    } catch (const std::out_of_range &) {
        told("no such entry", static_cast<long>(table.size()));
    }
    try {
        std::vector<char> all;
        all.reserve(static_cast<size_t>(1) << 30);
    } catch (const std::bad_alloc &) {
        told("no memory", 0);
    }
    try {
        Valve *volatile none = nullptr;
        told(typeid(*none).name(), 0);
    } catch (const std::bad_typeid &) {
        told("no type", 0);
    }
}

// --- many throws, so that a frame that goes wrong now and then is seen

__attribute__((noinline)) int sift(int n, int wanted) {
    if (n % 7 == wanted) throw n;
    return n < 2 ? n : sift(n - 1, wanted) + sift(n / 2, wanted);
}

void many_times() {
    long caught = 0, passed = 0;
    for (int i = 0; i < 300; i++) {
        try {
            passed += sift(i % 6, i % 8);
        } catch (int n) {
            caught += n + 1;
        }
    }
    told("caught", caught);
    told("passed", passed);
}

// What nobody catches, from a function that must not throw: the program's own last word.
void last_word() {
    told("terminated", alive);
    printf("sum %08lx\n", static_cast<unsigned long>(sum));
    exit(0);
}
void must_not() noexcept {
    bad(7);
}

} // namespace

int main() {
    across_frames();
    rethrown();
    through_pointers();
    half_made();
    of_the_library();
    many_times();
    std::set_terminate(last_word);
    must_not();
    return 1;
}
