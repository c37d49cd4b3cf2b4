"""The map the simulated bank lives on: countries, cities, currencies. Clocks are standard time all year."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

# code, units per euro, decimals (ISO 4217)
_CURRENCIES = """
EUR 1 2; GBP 0.86 2; USD 1.09 2; CHF 0.95 2; SEK 11.3 2; NOK 11.6 2; DKK 7.46 2; PLN 4.3 2; CZK 25.1 2
HUF 392 2; RON 4.97 2; BGN 1.956 2; TRY 35.2 2; UAH 44.8 2; MAD 10.8 2; EGP 52.3 2; ZAR 20.1 2; NGN 1650 2
KES 141 2; AED 4.0 2; ILS 4.0 2; INR 91 2; THB 38.4 2; VND 27100 0; IDR 17350 2; SGD 1.46 2; MYR 4.9 2
PHP 62.5 2; HKD 8.5 2; CNY 7.85 2; JPY 163 0; KRW 1480 0; AUD 1.65 2; NZD 1.79 2; CAD 1.49 2; MXN 19.8 2
BRL 5.9 2; ARS 1050 2; COP 4420 2; CLP 1010 0; PEN 4.08 2; TND 3.37 3
"""

# country, currency, price level, share of magnetic stripe, continent
_COUNTRIES = """
DE EUR 1.0 .02 EU; FR EUR 1.05 .02 EU; NL EUR 1.05 .01 EU; BE EUR 1.03 .02 EU; AT EUR 1.03 .02 EU
IT EUR .95 .03 EU; ES EUR .88 .03 EU; PT EUR .82 .03 EU; IE EUR 1.15 .02 EU; GR EUR .85 .04 EU
FI EUR 1.1 .01 EU; LU EUR 1.15 .02 EU; GB GBP 1.12 .02 EU; CH CHF 1.5 .02 EU; SE SEK 1.1 .01 EU
NO NOK 1.3 .01 EU; DK DKK 1.25 .01 EU; PL PLN .65 .03 EU; CZ CZK .72 .03 EU; HU HUF .65 .04 EU
RO RON .55 .05 EU; BG BGN .55 .06 EU; TR TRY .55 .06 EU; UA UAH .45 .08 EU; MA MAD .5 .1 AF
EG EGP .4 .12 AF; TN TND .45 .12 AF; ZA ZAR .6 .08 AF; NG NGN .5 .15 AF; KE KES .5 .12 AF
AE AED 1.0 .05 AS; IL ILS 1.2 .05 AS; IN INR .4 .1 AS; TH THB .55 .1 AS; VN VND .45 .12 AS
ID IDR .45 .12 AS; SG SGD 1.15 .04 AS; MY MYR .55 .08 AS; PH PHP .5 .12 AS; HK HKD 1.1 .05 AS
CN CNY .7 .1 AS; JP JPY .95 .12 AS; KR KRW .95 .1 AS; AU AUD 1.1 .03 OC; NZ NZD 1.05 .03 OC
US USD 1.15 .12 NA; CA CAD 1.05 .05 NA; MX MXN .6 .12 NA; BR BRL .6 .08 SA; AR ARS .55 .1 SA
CO COP .5 .12 SA; CL CLP .65 .08 SA; PE PEN .5 .12 SA
"""

# country, city, latitude, longitude, minutes from UTC, people who live there, people who visit
_CITIES = """
DE Berlin 52.52 13.40 60 9 6; DE Hamburg 53.55 9.99 60 5 3; DE München 48.14 11.58 60 5 5
DE Köln 50.94 6.96 60 4 3; DE Frankfurt 50.11 8.68 60 3 4; DE Leipzig 51.34 12.37 60 2 1
FR Paris 48.86 2.35 60 9 12; FR Lyon 45.76 4.84 60 4 2; FR Marseille 43.30 5.37 60 4 3
FR Bordeaux 44.84 -0.58 60 2 2; NL Amsterdam 52.37 4.90 60 5 6; NL Rotterdam 51.92 4.48 60 3 1
BE Brussels 50.85 4.35 60 4 3; BE Antwerp 51.22 4.40 60 2 1; AT Wien 48.21 16.37 60 5 5
AT Graz 47.07 15.44 60 2 1; IT Roma 41.90 12.50 60 5 8; IT Milano 45.46 9.19 60 5 5
IT Napoli 40.85 14.27 60 3 3; ES Madrid 40.42 -3.70 60 5 6; ES Barcelona 41.39 2.17 60 4 8
ES Palma 39.57 2.65 60 1 7; PT Lisboa 38.72 -9.14 0 3 6; PT Porto 41.15 -8.61 0 2 4
IE Dublin 53.35 -6.26 0 4 4; GR Athina 37.98 23.73 120 0 6; GR Heraklion 35.34 25.13 120 0 4
FI Helsinki 60.17 24.94 120 0 2; LU Luxembourg 49.61 6.13 60 1 1; GB London 51.51 -0.13 0 6 11
GB Manchester 53.48 -2.24 0 3 2; GB Edinburgh 55.95 -3.19 0 1 3; CH Zürich 47.38 8.54 60 0 4
CH Genève 46.20 6.14 60 0 2; SE Stockholm 59.33 18.07 60 0 3; NO Oslo 59.91 10.75 60 0 2
DK Copenhagen 55.68 12.57 60 0 4; PL Warszawa 52.23 21.01 60 4 2; PL Kraków 50.06 19.94 60 2 4
CZ Praha 50.08 14.44 60 0 6; HU Budapest 47.50 19.04 60 0 5; RO București 44.43 26.10 120 0 2
BG Sofia 42.70 23.32 120 0 2; TR Istanbul 41.01 28.98 180 0 6; TR Antalya 36.90 30.70 180 0 6
UA Kyiv 50.45 30.52 120 0 1; MA Marrakesh 31.63 -7.99 60 0 3; EG Hurghada 27.26 33.81 120 0 3
TN Tunis 36.81 10.18 60 0 2; ZA Cape-Town -33.92 18.42 120 0 2; NG Lagos 6.52 3.38 60 0 1
KE Nairobi -1.29 36.82 180 0 1; AE Dubai 25.20 55.27 240 0 4; IL Tel-Aviv 32.09 34.78 120 0 1
IN Mumbai 19.08 72.88 330 0 2; IN Delhi 28.61 77.21 330 0 2; TH Bangkok 13.76 100.50 420 0 4
VN Hanoi 21.03 105.85 420 0 1; ID Denpasar -8.65 115.22 480 0 2; SG Singapore 1.35 103.82 480 0 2
MY Kuala-Lumpur 3.14 101.69 480 0 1; PH Manila 14.60 120.98 480 0 1; HK Hong-Kong 22.32 114.17 480 0 1
CN Shanghai 31.23 121.47 480 0 2; JP Tokyo 35.68 139.69 540 0 3; KR Seoul 37.57 126.98 540 0 1
AU Sydney -33.87 151.21 600 0 2; NZ Auckland -36.85 174.76 720 0 1; US New-York 40.71 -74.01 -300 0 6
US Los-Angeles 34.05 -118.24 -480 0 3; US Miami 25.76 -80.19 -300 0 3; US Chicago 41.88 -87.63 -360 0 2
CA Toronto 43.65 -79.38 -300 0 2; MX Cancún 21.16 -86.85 -300 0 3; BR São-Paulo -23.55 -46.63 -180 0 2
AR Buenos-Aires -34.60 -58.38 -180 0 1; CO Bogotá 4.71 -74.07 -300 0 1; CL Santiago -33.45 -70.67 -240 0 1
PE Lima -12.05 -77.04 -300 0 1
"""

EARTH_RADIUS_KM = 6371.0088


@dataclass(frozen=True)
class World:
    """Columns over currencies, countries and cities; `*_of` columns hold positions in the others."""

    currency: list[str]
    per_euro: NDArray[np.float64]
    decimals: NDArray[np.int64]
    country: list[str]
    country_currency: NDArray[np.int64]
    price_level: NDArray[np.float64]
    magstripe_share: NDArray[np.float64]
    continent: NDArray[np.str_]
    city: list[str]
    city_country: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    utc_offset_s: NDArray[np.int64]
    residents: NDArray[np.float64]
    visitors: NDArray[np.float64]
    gateway: NDArray[np.int64]  # by country: the city where its carriers' networks surface
    distance_km: NDArray[np.float64]  # city by city


def _rows(text: str) -> list[list[str]]:
    return [row.split() for line in text.strip().splitlines() for row in line.split(";")]


def haversine_km(
    latitude_a: NDArray[np.float64],
    longitude_a: NDArray[np.float64],
    latitude_b: NDArray[np.float64],
    longitude_b: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Great-circle distance in km of points given in degrees."""
    a, b = np.radians(latitude_a), np.radians(latitude_b)
    dy, dx = (b - a) / 2, np.radians(longitude_b - longitude_a) / 2
    h = np.sin(dy) ** 2 + np.cos(a) * np.cos(b) * np.sin(dx) ** 2
    distance: NDArray[np.float64] = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(h, 0, 1)))
    return distance


@cache
def world() -> World:
    """The one world there is."""
    money, lands, towns = _rows(_CURRENCIES), _rows(_COUNTRIES), _rows(_CITIES)
    currency = [m[0] for m in money]
    country = [c[0] for c in lands]
    city_country = np.array([country.index(t[0]) for t in towns])
    latitude = np.array([float(t[2]) for t in towns])
    longitude = np.array([float(t[3]) for t in towns])
    return World(
        currency=currency,
        per_euro=np.array([float(m[1]) for m in money]),
        decimals=np.array([int(m[2]) for m in money]),
        country=country,
        country_currency=np.array([currency.index(c[1]) for c in lands]),
        price_level=np.array([float(c[2]) for c in lands]),
        magstripe_share=np.array([float(c[3]) for c in lands]),
        continent=np.array([c[4] for c in lands]),
        city=[t[1].replace("-", " ") for t in towns],
        city_country=city_country,
        latitude=latitude,
        longitude=longitude,
        utc_offset_s=np.array([int(t[4]) * 60 for t in towns]),
        residents=np.array([float(t[5]) for t in towns]),
        visitors=np.array([float(t[6]) for t in towns]),
        gateway=np.array([int(np.flatnonzero(city_country == k)[0]) for k in range(len(country))]),
        distance_km=haversine_km(latitude[:, None], longitude[:, None], latitude[None, :], longitude[None, :]),
    )
