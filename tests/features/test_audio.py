"""Numbers of librosa 0.11 and kaldi-native-fbank 1.22, and the promise that padding changes no bit."""

import math

import pytest
import torch

from lstm_lab.errors import UserError
from lstm_lab.features.audio import AudioFeatures, slopes
from lstm_lab.features.mel import hz_to_mel, mel_filters, mel_to_hz

RATE, COUNT = 8000, 2000
SMALL = {"sample_rate": RATE, "n_mels": 20}


def tone_and_chirp():
    """A quarter of a second: a tone, a chirp and a swelling high tone."""
    t = torch.arange(COUNT, dtype=torch.float64) / RATE
    wave = 0.5 * torch.sin(2 * math.pi * 440 * t) + 0.3 * torch.sin(2 * math.pi * (300 + 2000 * t) * t)
    wave += 0.1 * torch.sin(2 * math.pi * 3100 * t) * torch.cos(2 * math.pi * 7 * t)
    return wave.float()[None], torch.tensor([COUNT])


def compute(**settings):
    features, lengths = AudioFeatures(**settings)(*tone_and_chirp())
    assert lengths.tolist() == [features.shape[1]]
    return features[0]


# librosa.feature.melspectrogram(S=|stft(y, n_fft=256, hop_length=80, win_length=200, center=True,
# pad_mode="constant")|², sr=8000, n_mels=20, fmin=20, htk=…, norm=…) of the same wave, at (frame, filter).
MEL = {
    "librosa": {(0, 2): 1.6084025, (5, 3): 15.339193, (12, 6): 3.0053551, (25, 2): 1.5919273},
    "htk": {(0, 4): 310.98648, (5, 4): 1423.0844, (12, 7): 357.71234, (25, 10): 123.48337},
}


@pytest.mark.parametrize(
    ("style", "place", "value"), [(s, p, v) for s, spots in MEL.items() for p, v in spots.items()]
)
def test_filters_equal_librosa(style, place, value):
    assert float(compute(kind="logmel", style=style, **SMALL)[place].exp()) == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize(
    ("place", "value"),
    [((0, 0), -87.57725), ((5, 1), 78.318512), ((12, 5), -19.643749), ((25, 12), 1.5817713)],
)
def test_cepstra_equal_librosa(place, value):
    # librosa.feature.mfcc(S=power_to_db(mel, top_db=None), n_mfcc=13)
    assert float(compute(kind="mfcc", **SMALL)[place]) == pytest.approx(value, abs=4e-3)


@pytest.mark.parametrize(
    ("place", "value"), [((0, 0), -35.542488), ((5, 1), 1.5088577), ((25, 12), 2.4200940)]
)
def test_slopes_equal_librosa(place, value):
    # librosa.feature.delta(mfcc, width=5, mode="nearest")
    frame, feature = place
    assert float(compute(kind="mfcc", deltas=1, **SMALL)[frame, 13 + feature]) == pytest.approx(
        value, abs=3e-3
    )


@pytest.mark.parametrize(
    ("place", "value"), [((0, 2), 0.18460612), ((5, 3), 1.7432806), ((12, 9), -2.8757300)]
)
def test_kaldi_filters(place, value):
    # knf.OnlineFbank, samp_freq 8000, num_bins 20, low_freq 20, dither 0
    features = compute(kind="logmel", style="kaldi", **SMALL)
    assert features.shape == (23, 20)
    assert float(features[place]) == pytest.approx(value, abs=2e-3)


@pytest.mark.parametrize("style", ["librosa", "htk", "kaldi"])
@pytest.mark.parametrize("kind", ["spectrogram", "logmel", "mfcc"])
def test_padding_changes_no_bit(kind, style):
    net = AudioFeatures(kind, style, sample_rate=RATE, deltas=2)
    generator = torch.Generator().manual_seed(1)
    counts = [1, 79, 80, 333, 1999, 2600]
    waves = [torch.randn(count, generator=generator) for count in counts]
    batch = torch.full((len(counts), 3000), math.nan)
    for row, wave in zip(batch, waves, strict=True):
        row[: len(wave)] = wave
    together, lengths = net(batch, torch.tensor(counts))
    for row, wave in enumerate(waves):
        alone, length = net(wave[None], torch.tensor([len(wave)]))
        assert length == lengths[row]
        assert torch.equal(together[row, :length], alone[0])
        assert not together[row, length:].any()


def test_names_say_what_each_feature_is():
    net = AudioFeatures("mfcc", sample_rate=RATE, n_mfcc=2, deltas=2)
    assert net.names == ["mfcc0", "mfcc1", "d_mfcc0", "d_mfcc1", "dd_mfcc0", "dd_mfcc1"]
    assert net.size == 6


def test_slope_of_a_line_is_its_slope():
    line = 3.0 * torch.arange(12.0)[None, :, None]
    assert torch.allclose(slopes(line, torch.tensor([12]))[0, 2:-2, 0], torch.tensor(3.0))
    assert not slopes(torch.ones(1, 5, 2), torch.tensor([3])).any()


def test_gradients_reach_the_wave():
    net = AudioFeatures("logmel", sample_rate=RATE, window=0.004, hop=0.002, n_mels=4).double()
    wave = torch.randn(1, 64, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w: net(w, torch.tensor([64]))[0], wave)


def test_the_module_is_exported_with_a_free_length():
    net = AudioFeatures("mfcc", sample_rate=RATE, deltas=1)
    dynamic = {"waves": {1: torch.export.Dim.AUTO}, "lengths": {}}
    exported = torch.export.export(
        net, (torch.randn(2, 2000), torch.tensor([2000, 1500])), dynamic_shapes=dynamic
    ).module()
    waves, lengths = torch.randn(2, 3111), torch.tensor([3111, 40])
    assert torch.equal(exported(waves, lengths)[0], net(waves, lengths)[0])


@pytest.mark.parametrize("style", ["librosa", "kaldi"])
def test_mel_scales_invert(style):
    hz = torch.linspace(0, 8000, 50, dtype=torch.float64)
    assert torch.allclose(mel_to_hz(hz_to_mel(hz, style), style), hz)


def test_slaney_filters_have_unit_area():
    filters = mel_filters(10, 4096, 16000, 0, 8000)
    assert torch.allclose(filters.sum(dim=1) * 16000 / 4096, torch.ones(10), atol=2e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_mels": 300}, "some filter holds no bin"),
        ({"high": 5000}, "half the sample rate"),
        ({"kind": "plp"}, "plp is not known"),
        ({"kind": "mfcc", "n_mfcc": 50}, "must not be more than n_mels"),
        ({"hop": 0.0}, "at least 2 and 1"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        AudioFeatures(**{"sample_rate": RATE, **settings})


@pytest.mark.peers
def test_whole_spectrum_equals_librosa():
    librosa = pytest.importorskip("librosa")
    wave = tone_and_chirp()[0][0].numpy()
    spectrum = abs(librosa.stft(wave, n_fft=256, hop_length=80, win_length=200, pad_mode="constant")) ** 2
    ours = compute(kind="spectrogram", sample_rate=RATE).exp().numpy()
    assert abs(ours - spectrum.T.clip(1e-10)).max() <= 1e-5 * spectrum.max()


@pytest.mark.peers
def test_all_filters_equal_kaldi():
    kaldi = pytest.importorskip("kaldi_native_fbank")
    options = kaldi.FbankOptions()
    options.frame_opts.dither, options.frame_opts.samp_freq = 0, RATE
    options.mel_opts.num_bins, options.mel_opts.low_freq = 20, 20
    bank = kaldi.OnlineFbank(options)
    bank.accept_waveform(RATE, tone_and_chirp()[0][0].tolist())
    bank.input_finished()
    ours = compute(kind="logmel", style="kaldi", **SMALL)
    for number, frame in enumerate(ours):
        assert torch.allclose(frame, torch.as_tensor(bank.get_frame(number)), atol=5e-3)
