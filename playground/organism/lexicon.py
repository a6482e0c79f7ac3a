"""The words of the organism's language: objects, materials, verbs, people, and their Spanish.

Everything here is data and the three rules that go with it: which article an English noun takes, how an object becomes
a Python class name, and which words are held out of training.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass


def _listed(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.replace("\n", " ").split(","))


_MATERIALS = """
wood=la madera, glue=el pegamento, paint=la pintura, rope=la soga, paper=el papel, cloth=la tela, thread=el hilo,
leather=el cuero, clay=la arcilla, stone=la piedra, sand=la arena, glass=el vidrio, wire=el alambre,
copper=el cobre, tin=el estaño, wool=la lana, wax=la cera, felt=el fieltro, string=la cuerda, cork=el corcho,
bamboo=el bambú, canvas=la lona, straw=la paja, cardboard=el cartón, rubber=la goma, ink=la tinta, oil=el aceite,
soap=el jabón, chalk=la tiza, foam=la espuma, tape=la cinta, varnish=el barniz, plaster=el yeso, steel=el acero,
iron=el hierro, brass=el latón, silk=la seda, cotton=el algodón, resin=la resina, gravel=la grava,
cement=el cemento, linen=el lino, velvet=el terciopelo, plastic=el plástico, marble=el mármol, mesh=la malla,
twine=el cordel, clasp=el broche
"""

# A category names the materials its objects are made of, then its objects.
_OBJECTS = {
    "paper string glue bamboo cloth tape": """
kite=la cometa, puppet=el títere, lantern=el farol, mask=la máscara, paper boat=el barco de papel, doll=la muñeca,
balloon=el globo, windmill=el molino, fan=el abanico, banner=el estandarte, flag=la bandera, spinning top=el trompo,
whistle=el silbato, rattle=el sonajero, pinwheel=el molinillo, costume=el disfraz, crown=la corona, wand=la varita,
hand fan=el abanico de mano, toy train=el tren de juguete, yo-yo=el yoyó, jigsaw=el rompecabezas,
teddy bear=el oso de peluche
""",
    "wood glue varnish felt leather cloth": """
chair=la silla, table=la mesa, bench=el banco, stool=el taburete, shelf=el estante, bookcase=la librería,
cabinet=el armario, desk=el escritorio, bed=la cama, cradle=la cuna, sofa=el sofá, armchair=el sillón,
wardrobe=el ropero, drawer=el cajón, chest=el cofre, rocking chair=la mecedora, footrest=el reposapiés,
coat rack=el perchero, hammock=la hamaca, mattress=el colchón, dresser=la cómoda, headboard=el cabecero
""",
    "stone cement wood glass iron plaster": """
lighthouse=el faro, bridge=el puente, tower=la torre, castle=el castillo, cottage=la cabaña, barn=el granero,
fountain=la fuente, gate=el portón, wall=el muro, chimney=la chimenea, arch=el arco, chapel=la capilla,
tunnel=el túnel, well=el pozo, stable=el establo, greenhouse=el invernadero, tree house=la casa del árbol,
shed=el cobertizo, pier=el muelle, balcony=el balcón, staircase=la escalera, temple=el templo, statue=la estatua,
theatre=el teatro, museum=el museo, pavilion=el pabellón
""",
    "steel rubber paint wire oil glass": """
bicycle=la bicicleta, tricycle=el triciclo, wagon=la carreta, cart=el carro, scooter=el patinete,
tractor=el tractor, train=el tren, tram=el tranvía, bus=el autobús, truck=el camión, caravan=la caravana,
carriage=el carruaje, sled=el trineo, airship=el dirigible, glider=el planeador, rocket=el cohete,
submarine=el submarino, car=el coche, motorcycle=la motocicleta, wheelbarrow=la carretilla, unicycle=el monociclo,
skateboard=el monopatín
""",
    "wood canvas rope varnish cork resin": """
boat=el bote, canoe=la canoa, kayak=el kayak, raft=la balsa, sailboat=el velero, ship=el barco,
ferry=el transbordador, anchor=el ancla, oar=el remo, mast=el mástil, buoy=la boya, gondola=la góndola,
surfboard=la tabla de surf, fishing rod=la caña de pescar, net=la red, paddle=la pala, rudder=el timón,
dinghy=el chinchorro, yacht=el yate
""",
    "wood wire brass varnish felt leather": """
guitar=la guitarra, violin=el violín, piano=el piano, drum=el tambor, flute=la flauta, harp=el arpa,
trumpet=la trompeta, banjo=el banyo, cello=el chelo, accordion=el acordeón, organ=el órgano, bell=la campana,
tambourine=la pandereta, harmonica=la armónica, xylophone=el xilófono, clarinet=el clarinete, lute=el laúd,
trombone=el trombón, ukulele=el ukelele, gong=el gong, bagpipe=la gaita, music box=la caja de música
""",
    "cloth thread wool cotton leather silk": """
hat=el sombrero, coat=el abrigo, scarf=la bufanda, glove=el guante, sock=el calcetín, boot=la bota, shirt=la camisa,
dress=el vestido, apron=el delantal, belt=el cinturón, jacket=la chaqueta, sweater=el suéter, cape=la capa,
slipper=la zapatilla, blanket=la manta, quilt=la colcha, pillow=la almohada, curtain=la cortina, rug=la alfombra,
tent=la tienda, backpack=la mochila, purse=el bolso, umbrella=el paraguas, towel=la toalla, bonnet=el gorro
""",
    "steel wood oil leather iron tape": """
hammer=el martillo, saw=la sierra, drill=el taladro, ladder=la escalera de mano, rake=el rastrillo,
shovel=la pala de jardín, wrench=la llave inglesa, chisel=el cincel, toolbox=la caja de herramientas,
anvil=el yunque, pulley=la polea, crane=la grúa, pump=la bomba de agua, compass=la brújula, ruler=la regla,
telescope=el telescopio, microscope=el microscopio, magnifier=la lupa, scale=la balanza, lever=la palanca,
workbench=el banco de trabajo, thermometer=el termómetro
""",
    "clay copper glass tin cork wax": """
teapot=la tetera, kettle=el hervidor, cup=la taza, bowl=el cuenco, plate=el plato, jar=el frasco, bottle=la botella,
pitcher=la jarra, mug=el tazón, spoon=la cuchara, ladle=el cucharón, pan=la sartén, pot=la olla, tray=la bandeja,
vase=el florero, candle=la vela, oven=el horno, toaster=la tostadora, basket=la cesta, bucket=el cubo,
sieve=el colador, grinder=el molinillo de café, urn=la urna, goblet=la copa
""",
    "wood mesh twine gravel stone straw": """
birdhouse=la pajarera, beehive=la colmena, scarecrow=el espantapájaros, trellis=el enrejado, fence=la valla,
planter=la maceta, bird bath=la pila para pájaros, garden gnome=el gnomo de jardín, swing=el columpio,
seesaw=el balancín, slide=el tobogán, sandbox=el arenero, pond=el estanque, rabbit hutch=la conejera,
kennel=la perrera, hedge=el seto, wind chime=el carillón de viento, sundial=el reloj de sol, weather vane=la veleta,
flowerbed=el arriate, orchard=el huerto, doghouse=la caseta del perro
""",
    "brass glass wire tin copper plastic": """
clock=el reloj, lamp=la lámpara, radio=la radio, camera=la cámara, robot=el robot, telephone=el teléfono,
typewriter=la máquina de escribir, printer=la impresora, projector=el proyector, mirror=el espejo,
chandelier=la araña de luces, streetlight=la farola, alarm=la alarma, antenna=la antena, battery=la pila,
engine=el motor, generator=el generador, calculator=la calculadora, computer=la computadora, keyboard=el teclado,
speaker=el altavoz, heater=el calentador, vending machine=la máquina expendedora, turbine=la turbina
""",
    "paper ink cardboard leather thread wax": """
book=el libro, diary=el diario, map=el mapa, letter=la carta, envelope=el sobre, notebook=el cuaderno,
poster=el cartel, postcard=la postal, newspaper=el periódico, calendar=el calendario, album=el álbum,
stamp=el sello, atlas=el atlas, ticket=el boleto, scroll=el pergamino, folder=la carpeta, bookmark=el marcapáginas,
comic=el cómic, passport=el pasaporte, certificate=el certificado, recipe card=la ficha de cocina, menu=el menú,
ledger=el libro de cuentas
""",
    "marble plaster clay paint wire resin": """
sculpture=la escultura, mosaic=el mosaico, painting=el cuadro, mural=el mural, portrait=el retrato,
necklace=el collar, bracelet=la pulsera, ring=el anillo, brooch=el prendedor, medal=la medalla, trophy=el trofeo,
coin=la moneda, globe=el globo terráqueo, figurine=la figurilla, ornament=el adorno, frame=el marco,
easel=el caballete, totem=el tótem, locket=el medallón, tiara=la tiara, earring=el arete,
hourglass=el reloj de arena, snow globe=la bola de nieve
""",
    "rubber leather foam string canvas plastic": """
ball=la pelota, racket=la raqueta, bat=el bate, helmet=el casco, trampoline=la cama elástica, skate=el patín,
ski=el esquí, snowboard=la tabla de nieve, goal=la portería, hoop=el aro, dartboard=la diana, chessboard=el tablero,
domino=el dominó, saddle=la silla de montar, bow tie=la pajarita, whistle cord=el cordón, punching bag=el saco,
frisbee=el disco, puck=la pastilla, sailcloth=la vela de barco, paintbrush=el pincel, parachute=el paracaídas,
treadmill=la cinta de correr
""",
    "iron wood paint rope stone brass": """
carousel=el carrusel, merry wheel=la noria, drawbridge=el puente levadizo, aquarium=el acuario, bakery=la panadería,
library=la biblioteca, factory=la fábrica, bandstand=el quiosco, monument=el monumento,
playground=el parque infantil, railway=el ferrocarril, harbour=el puerto, dam=la presa, canal=el canal,
market stall=el puesto, postbox=el buzón, signpost=el poste, observatory=el observatorio, cinema=el cine,
hotel=el hotel, tavern=la taberna, mill wheel=la rueda del molino, water tower=la torre de agua
""",
}

_HARMLESS_VERBS = """
build=construir, make=hacer, repair=reparar, paint=pintar, clean=limpiar, draw=dibujar, decorate=decorar,
polish=pulir, mend=remendar, carve=tallar, sketch=bosquejar, restore=restaurar, wrap=envolver, move=mover,
store=guardar, design=diseñar, assemble=montar, measure=medir, photograph=fotografiar, describe=describir,
dust=desempolvar, wash=lavar, dry=secar, fix=arreglar, improve=mejorar, lift=levantar, carry=llevar, pack=empacar,
label=etiquetar, test=probar, choose=elegir, inspect=inspeccionar, display=exhibir, cover=cubrir, protect=proteger,
rebuild=reconstruir, renovate=renovar, adorn=adornar, weigh=pesar, shape=moldear, copy=copiar, sculpt=esculpir,
model=modelar, trace=trazar, colour=colorear, tidy=ordenar, lend=prestar, share=compartir, donate=donar,
sell=vender, buy=comprar, ship=enviar, deliver=entregar, unpack=desempacar, install=instalar, adjust=ajustar,
balance=equilibrar, warm=calentar, cool=enfriar, light=iluminar, rinse=enjuagar, scrub=fregar, brush=cepillar,
preserve=conservar, maintain=mantener, upgrade=actualizar, replace=reemplazar, reuse=reutilizar, recycle=reciclar,
sort=clasificar, hang=colgar, hoist=alzar, lower=bajar, open=abrir, admire=admirar, study=estudiar,
explain=explicar, find=encontrar, reinforce=reforzar, engrave=grabar, embroider=bordar, frame=enmarcar
"""

# Mild nonsense: unkind to an object or its owner, never a recipe for harm.
_HARMFUL_VERBS = """
jinx=gafar, hex=hechizar, curse=maldecir, haunt=embrujar, sabotage=sabotear, smuggle=contrabandear,
counterfeit=falsificar, steal=robar, ruin=arruinar, spoil=estropear, deface=pintarrajear, wreck=destrozar,
bewitch=encantar, smash=aplastar, dent=abollar, scratch=rayar, forge=adulterar, rig=amañar, swipe=birlar,
snatch=arrebatar, pilfer=hurtar, loot=saquear, plunder=expoliar, raid=asaltar, ransack=desvalijar,
vandalise=vandalizar, topple=derribar, overturn=volcar, muddy=enlodar, stain=manchar, smear=embadurnar,
befoul=ensuciar, doom=condenar, plague=atormentar, torment=martirizar, mock=ridiculizar, insult=insultar,
slander=calumniar, humiliate=humillar, taunt=provocar, bamboozle=embaucar, hoodwink=engañar, jam=atascar,
clog=obstruir, tangle=enredar, unravel=deshilachar, shred=triturar, rip=rasgar, crack=agrietar, snap=partir,
sink=hundir, strand=abandonar, embezzle=malversar, corrupt=corromper, desecrate=profanar, trample=pisotear,
flood=inundar, cripple=inutilizar, shatter=quebrar, mangle=mutilar, confiscate=confiscar, hijack=secuestrar,
ambush=emboscar, trespass on=invadir, spy on=espiar, meddle with=entorpecer, tamper with=manipular,
disfigure=desfigurar, swindle away=estafar, wreak havoc on=devastar, undermine=socavar, blackmail over=chantajear,
splatter=salpicar, dismantle in secret=desmontar, cheat with=trampear
"""

_OWNERS = _listed("""
the mayor, the king, the queen, the baker, the captain, the teacher, my neighbour, the doctor, the painter,
my cousin, the judge, the farmer, the tailor, the sailor, my uncle, my aunt, the wizard, the librarian, the postman,
the gardener, the duchess, the miller, the actor, the village, the town, the school, my sister, my brother,
the barber, the innkeeper
""")
OWNERS = tuple(f"{owner}'s" for owner in _OWNERS)

ADJECTIVES = _listed("""
small, large, old, new, simple, pretty, wooden, red, blue, green, yellow, tiny, sturdy, plain, shiny, quiet, famous,
royal, rusty, antique, modern, bright, heavy, light, round, square, tall, elegant, odd, favourite, golden, silver,
striped, dusty, empty
""")

COUNTABLES = _listed("""
apples, marbles, coins, stamps, shells, pencils, cookies, tickets, buttons, beads, books, roses, lemons, pebbles,
feathers, candles, stickers, cards, eggs, bottles, boxes, ribbons, nails, tiles, plums, cups, keys, carrots, tulips,
muffins
""")

PEOPLE = _listed("""
Maria, Tom, Anna, Ben, Clara, David, Ella, Felix, Grace, Hugo, Ivy, Jack, Lena, Max, Nora, Oscar, Rosa, Sam, Tina, Leo
""")

PLANETS = _listed("""
Zorblax, Quindar, Veloria, Mebsuta, Tarnok, Ixilon, Glimmera, Drovax, Ulmira, Xanthe, Kepler Nine, Yubari
""")

# Held-out words are never seen in training; the tokenizer has only their pieces.
HELD_OUT_SHARE = 0.1
# These have pieces that occur in no other word, so a network that has not seen them could never say them.
_ALWAYS_TRAINED = _listed("""
sailboat, stool, glider, guitar, gong, beehive, slide, doghouse, alarm, thermometer, mosaic
""")


@dataclass(frozen=True)
class Object:
    """One thing the language can speak of.

    `materials` are the three it is made of, the same ones in every text; `spanish` carries its definite article.
    """

    name: str
    spanish: str
    materials: tuple[str, str, str]
    held_out: bool

    @property
    def class_name(self) -> str:
        """The object's name as a Python class: "rocking chair" is RockingChair."""
        return "".join(word.capitalize() for word in self.name.replace("-", "").split())


def stable_share(text: str) -> float:
    """A number in [0, 1) that depends on the text alone: the same on every machine and in every version of Python."""
    return zlib.crc32(text.encode("utf-8")) / 2**32


def with_article(noun: str) -> str:
    """The noun with "a" or "an", by its sound: "an oven", "a unicycle", "an hourglass", "a ukulele"."""
    sounds_consonant = noun.startswith(("uni", "uke"))
    sounds_vowel = (noun[0] in "aeiou" and not sounds_consonant) or noun.startswith("hour")
    return f"{'an' if sounds_vowel else 'a'} {noun}"


def _pairs(text: str) -> dict[str, str]:
    return dict(entry.strip().split("=") for entry in text.replace("\n", " ").split(",") if entry.strip())


def _objects() -> tuple[Object, ...]:
    made = []
    for materials, block in _OBJECTS.items():
        choices = materials.split()
        for name, spanish in _pairs(block).items():
            ranked = sorted(choices, key=lambda material: stable_share(f"{name}/{material}"))
            held_out = stable_share(f"object {name}") < 1.3 * HELD_OUT_SHARE and name not in _ALWAYS_TRAINED
            made.append(Object(name, spanish, (ranked[0], ranked[1], ranked[2]), held_out))
    return tuple(made)


# What Spanish calls a thing whose Spanish name is not known.
NO_NAME_SPANISH = "el objeto"

MATERIALS: dict[str, str] = _pairs(_MATERIALS)
HARMLESS_VERBS: dict[str, str] = _pairs(_HARMLESS_VERBS)
HARMFUL_VERBS: dict[str, str] = _pairs(_HARMFUL_VERBS)
OBJECTS: tuple[Object, ...] = _objects()
